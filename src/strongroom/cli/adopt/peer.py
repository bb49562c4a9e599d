"""`strongroom adopt vault`: the secrets of a Vault or OpenBao with all their versions, through its API.

Only reads are sent to the other vault. A version that is deleted, destroyed or dropped there
becomes a destroyed one here, so that numbers agree. What was cut short goes on when it is run
again: the origin of each secret is kept in its custom metadata, `adopted_from`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing, prompt
from strongroom.cli.adopt.copying import Copier, Outcome
from strongroom.cli.client import Client, Options, Refused
from strongroom.cli.errors import Failure
from strongroom.cli.prompt import confirmed
from strongroom.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.cli.session import Session

TOKEN = "STRONGROOM_SOURCE_TOKEN"  # a variable's name
MOUNTS = "sys/internal/ui/mounts"
KINDS = ("kv", "generic")


def configure(to: parsing.Parts) -> None:
    """Declare it."""
    made = parsing.confirms(
        parsing.part(
            to, "vault", _vault, "adopt the key-value secrets of a Vault or OpenBao, with their versions",
            examples=("strongroom adopt vault --from https://old-vault:8200 secret team",),
        )
    )  # fmt: skip
    made.set_defaults(mount=None)
    made.add_argument(
        "mounts", metavar="MOUNT", nargs="*", help="of the other vault (every key-value engine)"
    )
    made.add_argument("--from", dest="source", metavar="URL", required=True, help="the other vault")
    made.add_argument("--to", metavar="PATH", default="", help="engine or folder here (of the same name)")
    made.add_argument("--token-file", metavar="FILE", default="", help=f"its token ({TOKEN})")
    made.add_argument("--source-namespace", metavar="PATH", default="", help="its namespace")
    made.add_argument("--source-ca-cert", metavar="FILE", default="", help="PEM authorities to trust for it")


def _vault(session: Session) -> int:
    args = session.args
    source = Client(
        Options(
            address=args.source.rstrip("/"),
            token=_token(args.token_file),
            namespace=args.source_namespace,
            ca_cert=args.source_ca_cert,
        )
    )
    if not source.encrypted and source.host not in ("localhost", "127.0.0.1", "::1"):
        session.warn(f"{args.source} is not encrypted: anyone on the way can read its token and secrets")
    try:
        mounts = _mounts(source, args.mounts)
        if args.to and len(mounts) != 1:
            raise Failure(errors.USAGE, "--to takes one MOUNT", f"There are {len(mounts)} to adopt.")
        return _adopt(session, source, mounts)
    finally:
        source.close()


def _token(file: str) -> Sensitive[str]:
    if file:
        try:
            return Sensitive(Path(file).read_text("utf-8").strip())
        except (OSError, UnicodeDecodeError):
            raise Failure(errors.USAGE, f"cannot read the token in {file}") from None
    found = os.environ.get(TOKEN)
    return (
        Sensitive(found)
        if found
        else prompt.hidden("The other vault's token", f"Set {TOKEN} or --token-file.")
    )


def _mounts(source: Client, wanted: list[str]) -> dict[str, bool]:
    """Paths of key-value engines (with a slash), and whether each keeps versions. Raises Failure."""
    found = source.request("GET", MOUNTS).body["data"].get("secret") or {}
    known = {
        path: (about.get("options") or {}).get("version") == "2"
        for path, about in found.items()
        if about["type"] in KINDS
    }
    chosen = [f"{name.strip('/')}/" for name in wanted] or sorted(known)
    missing = [name for name in chosen if name not in known]
    if missing or not chosen:
        raise Failure(
            errors.NEGATIVE,
            f"there is no key-value engine {missing[0]}" if missing else "there is no key-value engine",
            f"The token may use: {', '.join(known) or 'none'}.",
        )
    return {name: known[name] for name in chosen}


def _adopt(session: Session, source: Client, mounts: dict[str, bool]) -> int:
    args = session.args
    listed = {mount: list(_walk(source, mount, versions)) for mount, versions in mounts.items()}
    count = sum(map(len, listed.values()))
    if args.dry_run:
        session.output.names([f"{mount}{path}" for mount, paths in listed.items() for path in paths])
    if not confirmed(session, f"adopt {count} secrets of {args.source} ({', '.join(mounts)})"):
        return errors.OK if count else errors.NEGATIVE
    outcomes: list[Outcome] = []
    for mount, paths in listed.items():
        target = args.to.strip("/") or mount.strip("/")
        _ensure(session, target)
        copier = Copier(session, source, mount, target, versions=mounts[mount])
        outcomes += [copier.copy(path) for path in paths]
    return _told(session, outcomes)


def _walk(source: Client, mount: str, versions: bool, folder: str = "") -> Iterator[str]:
    """Every secret of an engine, folder by folder."""
    family = "metadata/" if versions else ""
    try:
        names = source.request("LIST", f"{mount}{family}{folder}").body["data"]["keys"]
    except Refused as refused:
        if refused.status == 404:
            return
        raise
    for name in names:
        if name.endswith("/"):
            yield from _walk(source, mount, versions, folder + name)
        else:
            yield folder + name


def _ensure(session: Session, target: str) -> None:
    """Make the engine where there is none of that name."""
    engines = session.data(session.client.request("GET", MOUNTS)).get("secret") or {}
    if not any(f"{target}/".startswith(path) for path in engines):
        body = {"type": "kv", "options": {"version": "2"}}
        session.client.request("POST", f"sys/mounts/{target.partition('/')[0]}", body)
        session.say(f"made: a key-value engine at {target.partition('/')[0]}/")


def _told(session: Session, outcomes: list[Outcome]) -> int:
    states = [outcome.state for outcome in outcomes]
    counts: dict[str, Any] = {
        state: states.count(state) for state in ("adopted", "there already", "left out")
    }
    counts["versions"] = sum(outcome.versions for outcome in outcomes)
    left = [outcome._asdict() for outcome in outcomes if outcome.state == "left out"]
    if session.output.style in ("json", "yaml"):
        session.output.structure({**counts, "left_out": left})
    else:
        session.output.pairs(counts)
        session.output.rows([{"secret": one["path"], "why": one["why"]} for one in left])
    return errors.NEGATIVE if left or not outcomes else errors.OK
