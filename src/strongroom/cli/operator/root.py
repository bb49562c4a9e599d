"""`operator generate-root`: a root token, made by the holders of enough key shares."""

from __future__ import annotations

import base64
import binascii
import sys
from typing import TYPE_CHECKING, Any

from strongroom.cli import errors, parsing
from strongroom.cli.errors import Failure
from strongroom.cli.operator import pgp
from strongroom.cli.operator.seal import share, share_argument
from strongroom.cli.prompt import word

if TYPE_CHECKING:
    from strongroom.cli.session import Session

AREA = "sys/generate-root"


def configure(to: parsing.Parts) -> None:
    """Declare it."""
    root = parsing.part(
        to, "generate-root", _generate, "make a root token: --init begins, then each holder hands in a share",
        examples=(
            "strongroom operator generate-root --init            (keep the OTP it prints)",
            "strongroom operator generate-root                   (asks for a key share)",
            "strongroom operator generate-root --decode ENCODED  (asks for the OTP)",
            "strongroom operator generate-root --init --pgp-key ann.asc",
        ),
    )  # fmt: skip
    share_argument(root)
    what = root.add_mutually_exclusive_group()
    what.add_argument("--init", action="store_true", help="begin")
    what.add_argument("--status", action="store_true", help="how far it is")
    what.add_argument("--cancel", action="store_true", help="give it up")
    what.add_argument("--decode", metavar="ENCODED", help="print the token; the OTP is asked for, or `-`")
    root.add_argument("--pgp-key", metavar="FILE", help="public key that the token is encrypted to")
    root.add_argument("--nonce", metavar="NONCE", help="the attempt this share is for")


def _generate(session: Session) -> int:
    args = session.args
    if args.decode:
        return _decode(session)
    if args.init:
        body = {"pgp_key": pgp.public_key(args.pgp_key)} if args.pgp_key else {}
        return _show(session, session.data(session.ask("POST", f"{AREA}/attempt", body)))
    status = {} if args.cancel else session.data(session.ask("GET", f"{AREA}/attempt"))
    if args.cancel:
        session.ask("DELETE", f"{AREA}/attempt")
        session.say("cancelled: no root token was made")
        return errors.OK
    if args.status:
        return _show(session, status)
    if not status["started"]:
        raise Failure(
            errors.USAGE, "no root token is being made", "", "Begin: strongroom operator generate-root --init"
        )
    body = {"key": share(session), "nonce": args.nonce or status["nonce"]}
    after = session.data(session.ask("POST", f"{AREA}/update", body))
    if after.get("complete"):
        how = "the OTP: strongroom operator generate-root --decode ENCODED_ROOT_TOKEN"
        if after.get("pgp_fingerprint"):
            how = "the private key: base64 -d | gpg --decrypt"
        session.say(f"Decode it with {how}")
    return _show(session, after)


def _show(session: Session, status: dict[str, Any]) -> int:
    names = (
        "started",
        "nonce",
        "progress",
        "required",
        "complete",
        "otp",
        "otp_length",
        "encoded_root_token",
        "pgp_fingerprint",
    )
    session.output.facts({name: status[name] for name in names if status.get(name) not in (None, "")})
    return errors.OK


def _decode(session: Session) -> int:
    otp = word(session.args.share, "OTP").reveal()
    encoded = session.args.decode
    try:
        masked = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        token = bytes(one ^ other for one, other in zip(masked, otp.encode(), strict=True)).decode("ascii")
    except (binascii.Error, ValueError):
        raise Failure(
            errors.USAGE, "the encoded token and the OTP do not fit", "One of them is not complete."
        ) from None
    session.output.facts({"token": token}) if session.output.style != "table" else sys.stdout.write(
        f"{token}\n"
    )
    return errors.OK
