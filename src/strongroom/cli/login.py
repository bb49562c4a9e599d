"""Log in, and keep the token for this server in ~/.strongroom-token.

examples:
  strongroom login                                   (asks for a token)
  strongroom login --method userpass username=alice  (asks for the password)
  strongroom login --method approle role_id=… secret_id=@secret-id
  strongroom login --no-store --field token - < token.txt
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from strongroom.cli import errors, parsing, prompt, tokens, values
from strongroom.cli.client import Refused
from strongroom.cli.errors import Failure
from strongroom.sensitive import Sensitive

if TYPE_CHECKING:
    import argparse

    from strongroom.cli.session import Session


class Method(NamedTuple):
    """How an auth method is asked: its login path, and the fields of the body; `secret` are asked for."""

    path: str
    fields: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()


SHOWN = ("client_token", "accessor", "policies", "lease_duration", "renewable")
METHODS = {
    "approle": Method("login", ("role_id", "secret_id"), ("secret_id",)),
    "userpass": Method("login/{username}", ("username", "password"), ("password",)),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    made = parsing.whole(parser, _login)
    made.add_argument(
        "fields", metavar="FIELD", nargs="*", help="NAME=VALUE of the method; for a token: `-` or nothing"
    )
    made.add_argument(
        "--method", metavar="NAME", default="token", help=f"token, {', '.join(METHODS)} (token)"
    )
    made.add_argument("--path", metavar="PATH", help="where the method is mounted (its name)")
    made.add_argument("--no-store", action="store_true", help="do not keep the token")


def _login(session: Session) -> int:
    method = session.args.method
    if method == "token":
        return _with_token(session)
    if method not in METHODS:
        hint = errors.near(method, [*METHODS, "token"])
        raise Failure(
            errors.USAGE, f"unknown method '{method}'", f"There are: token, {', '.join(METHODS)}.", hint
        )
    body = _filled(session, METHODS[method])
    mount = (session.args.path or method).strip("/")
    path = f"auth/{mount}/{METHODS[method].path.format_map(body)}"
    try:
        auth = session.client_with(None).request("POST", path, body).body["auth"]
    except Refused as refused:
        if refused.status in (400, 403, 429):
            raise _not_let_in(session, refused, mount) from None
        raise
    return _welcome(session, auth)


def _filled(session: Session, method: Method) -> dict[str, Any]:
    given = values.fields(session, session.args.fields)
    for name in method.fields:
        if name in given:
            continue
        if name not in method.secret:
            raise Failure(errors.USAGE, f"{name} is missing", "", f"Give {name}=VALUE.")
        given[name] = prompt.hidden(name, f"Give {name}=- and pipe it in, or {name}=@FILE.").reveal()
    return {name: value.rstrip("\n") if isinstance(value, str) else value for name, value in given.items()}


def _not_let_in(session: Session, refused: Refused, mount: str) -> Failure:
    said = session.output.printable("; ".join(refused.messages)) or str(refused.status)
    return Failure(
        errors.LOGIN, f"not logged in to {session.settings['address'].value}", f"The server says: {said}.",
        f"Check the fields, and that the method is mounted at {mount}/ (--path).",
    )  # fmt: skip


def _with_token(session: Session) -> int:
    given = session.args.fields[0] if session.args.fields else None
    text = given.removeprefix("token=") if given else None
    if text not in (None, "-") and not session.args.no_warn:
        session.warn(
            "a token on the command line is seen by `ps`; give `-` and pipe it in, or nothing to be asked"
        )
    token = prompt.word(text, "token")
    try:
        own = session.data(session.client_with(token).request("GET", "auth/token/lookup-self"))
    except Refused as refused:
        if refused.status == 403:
            raise Failure(
                errors.LOGIN, "the token is not valid", "It is unknown, expired or revoked."
            ) from None
        raise
    auth = {
        "client_token": token.reveal(),
        "accessor": own["accessor"],
        "policies": own["policies"],
        "lease_duration": own["ttl"],
        "renewable": own["renewable"],
    }
    return _welcome(session, auth)


def _welcome(session: Session, auth: dict[str, Any]) -> int:
    token = Sensitive(str(auth["client_token"]))
    if not session.args.no_store:
        kept = tokens.save(token, session.settings["address"].value, session.place)
        session.say(f"logged in to {session.settings['address'].value}; the token is kept in {kept}")
        hiding = next(
            (
                f"{p}TOKEN"
                for p in ("STRONGROOM_", "VAULT_", "BAO_")
                if session.place.environ.get(f"{p}TOKEN")
            ),
            "",
        )
        if hiding:
            session.warn(f"{hiding} is set and is used before the kept token; unset it")
    if session.output.field in ("token", "client_token"):
        session.output.one(token.reveal())
    elif session.output.style in ("json", "yaml"):
        session.output.structure({"auth": auth})
    else:
        shown = {name: auth[name] for name in SHOWN}
        if not session.args.no_store and not session.args.show_secrets:
            del shown["client_token"]
        session.output.facts(shown)
    return errors.OK
