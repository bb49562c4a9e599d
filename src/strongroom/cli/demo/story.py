"""What is played: a vault, an application, a developer's mistake, and what becomes of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from strongroom.cli.demo.stage import Stage

PAUSE = 0.05
FETCH_EACH = 10
REPOSITORY, CLONE = "shop.git", "shop"
LOOKED = "strongroom-watch"  # what the watcher leaves after each look


class Target(Protocol):
    """What issues the credential that leaks."""

    name: str
    secret: str

    def prepare(self, stage: Stage) -> None:
        """Set it up, and tell the server."""
        ...

    def credential(self, stage: Stage, token: str) -> tuple[str, str]:
        """User and password in force."""
        ...

    def takes(self, user: str, password: str) -> bool:
        """Whether it lets them in."""
        ...


class Application(threading.Thread):
    """Logs in twenty times a second, and fetches its credential twice a second."""

    def __init__(self, stage: Stage, target: Target, token: str) -> None:
        super().__init__(daemon=True)
        self._stage, self._target, self._token = stage, target, token
        self._over = threading.Event()
        self.logins = self.failures = 0

    def run(self) -> None:
        """Go on until `end`."""
        credential = self._target.credential(self._stage, self._token)
        while not self._over.wait(PAUSE):
            if self.logins % FETCH_EACH == 0:
                credential = self._target.credential(self._stage, self._token)
            self.logins += 1
            self.failures += not self._target.takes(*credential)

    def end(self) -> None:
        """Stop."""
        self._over.set()
        self.join()


def play(stage: Stage, target: Target) -> bool:
    """Tell it; True when the old credential is dead and the application noticed nothing."""
    _watch(stage)
    stage.act("A vault", f"A server of its own at {stage.address}, every answer in a log that proves itself.")
    stage.act(
        "A secret",
        f"{target.name}: the vault holds the credential of an application, and a plan replaces it.",
    )
    target.prepare(stage)
    stage.show("rotation", "list")
    stage.act("An application", "It logs in twenty times a second, and reads its credential from the vault.")
    stage.ask("POST", "sys/auth/userpass", {"type": "userpass"})
    rules = f'path "{target.secret}" {{ capabilities = ["read"] }}'
    application = Application(stage, target, stage.login("shop-application", rules))
    leaked = target.credential(stage, stage.login("bob", rules))
    application.start()
    try:
        _leak(stage, leaked[1])
        incident, seconds = stage.until_closed()
        _contained(stage, seconds)
        dead = not target.takes(*leaked)
    finally:
        application.end()
    stage.say(f"   The leaked one is {'refused' if dead else 'STILL TAKEN'} by {target.name}.")
    stage.say(f"   The application logged in {application.logins} times; {application.failures} failed.")
    _proof(stage, incident["findings"][0])
    return dead and not application.failures


def _watch(stage: Stage) -> None:
    """A repository that is watched; the first scan prepares the detectors while the story begins."""
    stage.git("init", "-q", "--bare", REPOSITORY)
    stage.git("clone", "-q", REPOSITORY, CLONE)
    _push(stage, "README", "A shop.\n")
    stage.start("watch", str(stage.folder / REPOSITORY), "--interval", "1", "--source", "shop", "--quiet")


def _push(stage: Stage, name: str, text: str) -> None:
    (stage.folder / CLONE / name).write_text(text, "utf-8")
    stage.git("-C", CLONE, "add", ".")
    stage.git("-C", CLONE, "commit", "-q", "-m", f"Write {name}")
    stage.git("-C", CLONE, "push", "-q", "origin", "HEAD")


def _leak(stage: Stage, password: str) -> None:
    stage.act(
        "A mistake", "A watcher looks at the repository each second (its first look prepares detectors)."
    )
    stage.until_there(stage.folder / REPOSITORY / LOOKED)
    stage.say("   Bob reads the credential, writes it into a file and pushes.")
    _push(stage, "settings.env", f"DATABASE_PASSWORD={password}\n")


def _contained(stage: Stage, seconds: float) -> None:
    stage.act(
        "Contained",
        f"{seconds:.1f} seconds after the push the leaked credential was proved dead: it was found, matched"
        "\n   and replaced; both were valid for up to 5 seconds; then the old one was ended.",
    )
    stage.show("incident", "show", "1")


def _proof(stage: Stage, finding: str) -> None:
    stage.act("Who read it", "Exactly, from the audit log, for the version that leaked.")
    stage.show("finding", "exposure", finding)
    stage.act(
        "Proof", "One file for people who have no access to the server; any changed byte makes it fail."
    )
    stage.show("incident", "evidence", "1", "-o", "incident-1.zip")
    key = str(stage.data / "audit" / "checkpoint.vkey")
    stage.show("evidence", "verify", "incident-1.zip", "--key", key)
