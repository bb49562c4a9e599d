"""`operator init`, `unseal`, `seal`, `rotate`, `key-status`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing
from strongroom.cli.errors import Failure
from strongroom.cli.operator import pgp
from strongroom.cli.prompt import confirmed, word
from strongroom.cli.status import show_seal

if TYPE_CHECKING:
    from strongroom.cli.session import Session


SHARES, THRESHOLD = 5, 3
"""What the server makes unless told otherwise."""


def configure(to: parsing.Parts) -> None:
    """Declare them."""
    _init_arguments(to)
    unseal = parsing.part(
        to, "unseal", _unseal, "hand in a key share",
        examples=(
            "strongroom operator unseal",
            "strongroom operator unseal - < share.txt",
            "strongroom operator unseal --migrate   (to the seals of the configuration file)",
        ),
    )  # fmt: skip
    share_argument(unseal)
    unseal.add_argument("--reset", action="store_true", help="forget the shares handed in so far")
    unseal.add_argument(
        "--migrate", action="store_true", help="with enough shares, move to the seals that are configured"
    )
    parsing.confirms(parsing.part(to, "seal", _seal, "close the server: it forgets its keys"))
    parsing.part(to, "rotate", _rotate, "put a new encryption key in force; nothing stops")
    parsing.part(to, "rewrap", _rewrap, "wrap the root key anew, under the newest key of each seal")
    parsing.part(to, "key-status", _key_status, "show the encryption key in force")


def _init_arguments(to: parsing.Parts) -> None:
    init = parsing.part(
        to, "init", _init, "create the keys of a new server; this prints them once",
        examples=(
            "strongroom operator init --shares 5 --threshold 3",
            "strongroom operator init --shares 2 --threshold 2 --pgp-keys ann.asc,bob.asc",
            "strongroom operator init --status",
        ),
    )  # fmt: skip
    init.add_argument(
        "--shares", "--key-shares", metavar="N", type=int, help=f"key shares to make ({SHARES})"
    )
    init.add_argument(
        "--threshold",
        "--key-threshold",
        metavar="N",
        type=int,
        help=f"how many of them open it ({THRESHOLD})",
    )
    init.add_argument("--pgp-keys", metavar="FILES", help=pgp.HELP)
    init.add_argument(
        "--root-token-pgp-key", metavar="FILE", help="public key the root token is encrypted to"
    )
    init.add_argument(
        "--recovery-shares",
        metavar="N",
        type=int,
        default=0,
        help="recovery keys, for a seal that opens itself",
    )
    init.add_argument(
        "--recovery-threshold", metavar="N", type=int, default=0, help="how many of them agree to something"
    )
    init.add_argument("--status", action="store_true", help="only tell: exit 0 when it is done, 1 when not")


def share_argument(parser: parsing.Parser) -> None:
    """A key share: asked for, or from standard input."""
    parser.add_argument(
        "share", metavar="SHARE", nargs="?", help="`-` reads it from standard input; nothing asks"
    )


def share(session: Session) -> str:
    """The key share that is handed in."""
    if session.args.share not in (None, "-"):
        session.warn("a key share on the command line is seen by `ps` and kept in the shell's history")
    return word(session.args.share, "key share").reveal()


def print_shares(session: Session, made: dict[str, Any], token: str = "", name: str = "Key share") -> None:
    """Key shares for people. They are nowhere else."""
    lines = pgp.shared_out(session, made, session.args.pgp_keys, name)
    lines += ["", token] if token else []
    sys.stdout.write("\n".join(lines) + "\n")


def _init(session: Session) -> int:
    args = session.args
    if args.status:
        done = session.ask("GET", "sys/init").body["initialized"]
        session.output.facts({"initialized": done})
        return errors.OK if done else errors.NEGATIVE
    body: dict[str, Any] = {}
    if args.shares is not None or args.threshold is not None:
        body["secret_shares"] = SHARES if args.shares is None else args.shares
        body["secret_threshold"] = THRESHOLD if args.threshold is None else args.threshold
    recovery = args.recovery_shares or args.recovery_threshold
    if recovery:
        body |= {"recovery_shares": args.recovery_shares, "recovery_threshold": args.recovery_threshold}
    if args.pgp_keys:
        body["recovery_pgp_keys" if recovery else "pgp_keys"] = pgp.public_keys(args.pgp_keys)
    if args.root_token_pgp_key:
        body["root_token_pgp_key"] = pgp.public_key(args.root_token_pgp_key)
    made: dict[str, Any] = session.ask("POST", "sys/init", body).body
    if session.output.style != "table" or session.output.field:
        session.output.facts(made)
        return errors.OK
    hidden = f", encrypted to {args.root_token_pgp_key}" if args.root_token_pgp_key else ""
    root = f"Root token{hidden}: {made['root_token']}"
    if "recovery_keys_base64" in made:
        return _recovery_keys(session, made, root)
    print_shares(session, made, root)
    session.say("")
    shares, threshold = len(made["keys"]), args.threshold or THRESHOLD
    session.say(f"Any {threshold} of the {shares} shares open the server. They are stored nowhere:")
    session.say(
        "give each to another person now. Without them the data cannot be read, not even from a backup."
    )
    session.say("Next: strongroom operator unseal")
    return errors.OK


def _recovery_keys(session: Session, made: dict[str, Any], root: str) -> int:
    """The seal opens itself: what people hold are recovery keys."""
    print_shares(session, {"keys_base64": made["recovery_keys_base64"]}, root, "Recovery key")
    session.say("")
    session.say("These are recovery keys: a quorum makes a new root token or new recovery keys with them.")
    session.say("They cannot replace the seal's key: back that up, or without it the data cannot be read.")
    session.say("Next: strongroom status")
    return errors.OK


def _unseal(session: Session) -> int:
    args = session.args
    body = {"reset": True} if args.reset else {"key": share(session), "migrate": args.migrate}
    after: dict[str, Any] = session.client_with(None).request("POST", "sys/unseal", body).body
    show_seal(session, after)
    if after["sealed"] and not session.args.reset and session.output.style == "table":
        session.say(f"{after['t'] - after['progress']} more key share(s) are needed")
    return errors.OK


def _seal(session: Session) -> int:
    address = session.settings["address"].value
    if not confirmed(
        session, f"seal {address}", "every client is refused until enough key shares are handed in"
    ):
        return errors.OK
    session.ask("POST", "sys/seal")
    session.say(f"sealed: {address}")
    return errors.OK


def _rotate(session: Session) -> int:
    session.ask("POST", "sys/rotate")
    return _key_status(session)


def _rewrap(session: Session) -> int:
    session.ask("POST", "sys/sealwrap/rewrap")
    session.say("every seal has wrapped the root key anew")
    return errors.OK


def _key_status(session: Session) -> int:
    data = session.data(session.ask("GET", "sys/key-status"))
    if not data:
        raise Failure(errors.UNREACHABLE, "the server told nothing of its key")
    session.output.facts(data)
    return errors.OK
