"""`operator rekey`: other key shares, made by the holders of the present ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing
from strongroom.cli.errors import Failure
from strongroom.cli.operator import pgp
from strongroom.cli.operator.seal import print_shares, share, share_argument

if TYPE_CHECKING:
    from strongroom.cli.session import Session

# OpenBao's spelling always takes a token; Vault's `sys/rekey` may be open by configuration.
AREAS = {"barrier": "sys/rekey", "recovery": "sys/rekey-recovery-key"}


def configure(to: parsing.Parts) -> None:
    """Declare it."""
    rekey = parsing.part(
        to, "rekey", _rekey, "make new key shares: --init begins, then each holder hands in a present one",
        examples=(
            "strongroom operator rekey --init --shares 5 --threshold 3 --verify",
            "strongroom operator rekey             (asks for a present share)",
            "strongroom operator rekey --verify    (asks for a new share, to prove it works)",
            "strongroom operator rekey --init --shares 2 --threshold 2 --pgp-keys ann.asc,bob.asc --backup",
            "strongroom operator rekey --target recovery --init   (under auto-unseal)",
        ),
    )  # fmt: skip
    share_argument(rekey)
    what = rekey.add_mutually_exclusive_group()
    what.add_argument("--init", action="store_true", help="begin")
    what.add_argument("--status", action="store_true", help="how far it is")
    what.add_argument("--cancel", action="store_true", help="give it up")
    what.add_argument(
        "--backup-retrieve", action="store_true", help="print the encrypted shares that were kept"
    )
    what.add_argument(
        "--backup-delete", action="store_true", help="delete the encrypted shares that were kept"
    )
    rekey.add_argument(
        "--shares", "--key-shares", metavar="N", type=int, default=5, help="new key shares (5)"
    )
    rekey.add_argument(
        "--threshold", "--key-threshold", metavar="N", type=int, default=3, help="how many open it (3)"
    )
    rekey.add_argument(
        "--target", choices=tuple(AREAS), default="barrier", help="key shares (barrier), or recovery keys"
    )
    rekey.add_argument("--nonce", metavar="NONCE", help="the attempt this share is for")
    rekey.add_argument("--pgp-keys", metavar="FILES", help=pgp.HELP)
    rekey.add_argument(
        "--backup", action="store_true", help="keep the encrypted shares until they are deleted"
    )
    rekey.add_argument(
        "--verify", action="store_true", help="new shares must be handed in before they take over"
    )


def _area(session: Session) -> str:
    return AREAS[session.args.target]


def _rekey(session: Session) -> int:
    args = session.args
    if args.init:
        return _begin(session)
    if args.backup_retrieve:
        session.output.structure(session.data(session.ask("GET", f"{_area(session)}/backup")))
        return errors.OK
    if args.backup_delete:
        session.ask("DELETE", f"{_area(session)}/backup")
        session.say("the kept shares are deleted")
        return errors.OK
    if args.status:
        return _show(session, session.data(session.ask("GET", f"{_area(session)}/init")))
    if args.cancel:
        session.ask("DELETE", f"{_area(session)}/{'verify' if args.verify else 'init'}")
        session.say("cancelled: the present key shares stay in force")
        return errors.OK
    return _verify(session) if args.verify else _submit(session)


def _begin(session: Session) -> int:
    args = session.args
    body: dict[str, Any] = {
        "secret_shares": args.shares,
        "secret_threshold": args.threshold,
        "require_verification": args.verify,
    }
    if args.pgp_keys:
        body |= {"pgp_keys": pgp.public_keys(args.pgp_keys), "backup": args.backup}
    elif args.backup:
        raise Failure(errors.USAGE, "--backup needs --pgp-keys", "Only encrypted shares are ever kept.")
    return _show(session, session.data(session.ask("POST", f"{_area(session)}/init", body)))


def _submit(session: Session) -> int:
    status = session.data(session.ask("GET", f"{_area(session)}/init"))
    if not status["started"]:
        raise Failure(errors.USAGE, "no rekey is under way", "", "Begin: strongroom operator rekey --init")
    if status.get("verification_nonce"):
        raise Failure(
            errors.USAGE, "the new key shares exist already and wait to be proven", "",
            "Hand in new shares: strongroom operator rekey --verify",
        )  # fmt: skip
    body = {"key": share(session), "nonce": session.args.nonce or status["nonce"]}
    after = session.data(session.ask("POST", f"{_area(session)}/update", body))
    if not after.get("keys_base64"):
        return _show(session, after)
    if session.output.style != "table" or session.output.field:
        session.output.facts(after)
    else:
        recovery = session.args.target == "recovery"
        print_shares(session, after, name="Recovery key" if recovery else "Key share")
    if after.get("verification_required"):
        session.say(
            "The present shares stay in force until enough new ones are handed in: operator rekey --verify"
        )
    else:
        session.say("These shares are in force now; the former ones open nothing any more.")
    return errors.OK


def _verify(session: Session) -> int:
    status = session.data(session.ask("GET", f"{_area(session)}/verify"))
    body = {"key": share(session), "nonce": session.args.nonce or status["nonce"]}
    after = session.data(session.ask("POST", f"{_area(session)}/verify", body))
    if after.get("complete"):
        session.say("the new key shares are in force")
        session.output.facts({"complete": True})
        return errors.OK
    return _show(session, after)


def _show(session: Session, status: dict[str, Any]) -> int:
    names = (
        "started",
        "nonce",
        "t",
        "n",
        "progress",
        "required",
        "verification_required",
        "verification_nonce",
        "pgp_fingerprints",
        "backup",
    )
    session.output.facts({name: status[name] for name in names if status.get(name) is not None})
    return errors.OK
