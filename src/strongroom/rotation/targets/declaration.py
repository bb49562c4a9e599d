"""What a declared target must be: every place known, no secret in a path, and repeatable."""

import re

from strongroom.errors import InvalidRequest
from strongroom.rotation.declared import Call, HttpTarget
from strongroom.rotation.targets import template

SECRETIVE = re.compile("auth|cookie|token|key|secret|password", re.IGNORECASE)
CHOSEN = {"key", "generated", "slot"}


def check(target: HttpTarget) -> None:
    """Raise InvalidRequest for a declaration that could not be carried out safely."""
    create = target.create
    fields = {*create.facts, *create.secret, *create.set}
    if not fields:
        raise InvalidRequest("'create' says of no field where it comes from: facts, secret or set")
    if target.slots and len(set(target.slots)) != 2:
        raise InvalidRequest("'slots' are two different names")
    new, old = {f"new.{name}" for name in fields}, {f"old.{name}" for name in fields}
    harmless = {f"{age}.{name}" for age in ("new", "old") for name in create.facts}
    _check_call(target, "create", create, CHOSEN, harmless)
    _check_call(target, "verify", target.verify, new | {"slot"}, harmless)
    _check_call(target, "retire", target.retire, old | {"key", "old_slot"}, harmless)
    _check_call(target, "verify_dead", target.verify_dead, old | {"old_slot"}, harmless)
    if target.auth is not None:
        _check_call(target, "auth", Call(path="/", headers=target.auth.headers), set(), harmless)
    for pointer in (*create.facts.values(), *create.secret.values()):
        template.check_pointer(pointer)
    _check_set(create.set)
    _check_find(target, harmless)
    if not repeatable(target):
        raise InvalidRequest(
            "'create' could make a second credential when it is repeated: name {{key}} in it (an idempotency"
            " key), {{generated}} or {{slot}}, or declare 'find'"
        )


def repeatable(target: HttpTarget) -> bool:
    """Whether repeating `create` after a crash leaves one credential."""
    return target.find is not None or bool(CHOSEN & template.places(target.create))


def _check_call(target: HttpTarget, what: str, call: Call, known: set[str], harmless: set[str]) -> None:
    template.check(call)
    for name, value in call.headers.items():
        if SECRETIVE.search(name) and not template.PLACE.search(value):
            raise InvalidRequest(f"the header '{name}' of '{what}' holds a value itself: keep it in a secret")
    if not call.expect:
        raise InvalidRequest(f"'{what}' expects no status")
    for place in sorted(template.places(call)):
        admin = place.startswith("admin.") and target.auth is not None and not what.startswith("verify")
        if not admin and place not in known:
            raise InvalidRequest(f"'{what}' cannot use {{{{{place}}}}}")
    for place in sorted(template.path_places(call)):
        if place not in harmless | {"key", "slot", "old_slot"}:
            raise InvalidRequest(f"the path of '{what}' must not hold {{{{{place}}}}}: it may be secret")


def _check_set(given: dict[str, str]) -> None:
    for text in given.values():
        if template.places(Call(path=text)) - CHOSEN:
            raise InvalidRequest("'create.set' uses {{key}}, {{generated}} and {{slot}} only")


def _check_find(target: HttpTarget, harmless: set[str]) -> None:
    find = target.find
    if find is None:
        return
    _check_call(target, "find", find, {"key", "slot"}, harmless)
    for pointer in (find.each, *find.facts.values(), *find.match):
        template.check_pointer(pointer)
    if "key" not in template.places(find) | template.places(Call(path="".join(find.match.values()))):
        raise InvalidRequest("'find' must look for {{key}}, in the request or by 'match'")
    wanted = {place for place in template.places(target.retire) if place.startswith("old.")}
    if not wanted <= {f"old.{name}" for name in find.facts}:
        raise InvalidRequest("'find' gives fewer facts than 'retire' uses")
