"""Run git on a repository that may be hostile, and find its parts.

A repository's own configuration can name programs: `core.fsmonitor`, hooks,
external diffs, text converters, signature checkers, transports. Every command
here turns them off, takes revisions only after they were resolved to ids, and
never touches the network, so a partial clone does not fetch what it lacks.
`safe.directory` is left as it is: git's refusal of another user's repository
is reported with the remedy.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from strongroom.errors import InvalidRequest, NotFound, UpstreamFailed

if TYPE_CHECKING:
    import subprocess

SAFE = (
    "--no-pager",
    "--no-replace-objects",
    "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.quotePath=false",
    "-c", "log.showSignature=false",
    "-c", "log.showRoot=true",
    "-c", "diff.ignoreSubmodules=none",
    "-c", "i18n.logOutputEncoding=UTF-8",
    "-c", "gc.auto=0",
    "-c", "protocol.allow=never",
)  # fmt: skip

# Set by git for its hooks; they would send a command to another repository than the one named.
PLACE = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_QUARANTINE_PATH",
)  # fmt: skip


class Git:
    """One repository, reached by the git command.

    `hook` keeps the variables that git sets for hooks (index of a partial
    commit, quarantined objects); otherwise only `path` decides.
    """

    def __init__(self, path: str, *, hook: bool = False) -> None:
        self.path = path
        environment = {k: v for k, v in os.environ.items() if hook or k not in PLACE}
        environment.update(
            LC_ALL="C",
            GIT_OPTIONAL_LOCKS="0",
            GIT_TERMINAL_PROMPT="0",
            GIT_NO_LAZY_FETCH="1",
            GIT_ALLOW_PROTOCOL=":",
            GIT_PAGER="cat",
        )
        environment.pop("GIT_EXTERNAL_DIFF", None)
        self.environment = environment

    def start(
        self, *arguments: str, stdin: int | None = None, quiet: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start `git ARGUMENTS` with its standard output as a pipe; `quiet` drops its messages."""
        import subprocess  # noqa: PLC0415 (a hook does without)

        try:
            return subprocess.Popen(
                ["git", "-C", self.path, *SAFE, *arguments],  # noqa: S607 (the user's git is the one to ask)
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if quiet else subprocess.PIPE,
                env=self.environment,
            )
        except FileNotFoundError as error:
            raise UpstreamFailed("git is not installed") from error
        except NotADirectoryError as error:
            raise NotFound(f"{self.path} is not a directory") from error

    def run(self, *arguments: str, given: bytes | None = None) -> bytes:
        """Return the output of `git ARGUMENTS`; raises as `refusal` says when it fails."""
        import subprocess  # noqa: PLC0415 (a hook does without)

        stdin = None if given is None else subprocess.PIPE
        with self.start(*arguments, stdin=stdin) as process:
            out, messages = process.communicate(given)
        if process.returncode:
            raise refusal(self.path, messages)
        return out

    def output(self, *arguments: str) -> bytes:
        """Return what `run` does, and spare a hook what `subprocess` costs to import."""
        reading, writing = os.pipe()
        with open(reading, "rb") as pipe:
            try:
                child = os.posix_spawnp(
                    "git",
                    ["git", "-C", self.path, *SAFE, *arguments],
                    self.environment,
                    file_actions=[
                        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                        (os.POSIX_SPAWN_DUP2, writing, 1),
                        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                    ],
                )
            except FileNotFoundError as error:
                raise UpstreamFailed("git is not installed") from error
            finally:
                os.close(writing)
            out = pipe.read()
        if os.waitpid(child, 0)[1]:
            return self.run(*arguments)  # once more, for what it complains of
        return out

    def attempt(self, *arguments: str) -> tuple[bytes, bool]:
        """Return what `git ARGUMENTS` printed, and whether it got to the end: damage may stop it midway."""
        with self.start(*arguments, quiet=True) as process:
            out, _ = process.communicate()
        return out, process.returncode == 0

    def resolve(self, revision: str) -> str:
        """Return the commit id that `revision` names; raises NotFound where there is none."""
        try:
            out = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}")
        except InvalidRequest as error:
            raise NotFound(f"{self.path} has no revision {revision!r}") from error
        return out.decode().strip()


class Layout:
    """Where a repository keeps its objects: `stores` lists object directories, alternates included."""

    def __init__(self, git: Git) -> None:
        out = git.run("rev-parse", "--show-object-format", "--git-path", "objects", "--is-shallow-repository")
        answer = os.fsdecode(out).splitlines()
        self.id_size = 32 if answer[0] == "sha256" else 20
        self.shallow = answer[-1] == "true"
        first = os.path.join(git.path, answer[1])
        self.stores = stores(first)
        extra = git.environment.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "")
        for path in filter(None, extra.split(os.pathsep)):
            self.stores += [s for s in stores(path) if s not in self.stores]


def is_id(text: str) -> bool:
    """Whether `text` is a whole object id, SHA-1 or SHA-256."""
    return len(text) in (40, 64) and not set(text) - set("0123456789abcdef")


def stores(first: str, depth: int = 5) -> list[str]:
    """Return the object directory `first` and its alternates, each once, `depth` levels deep as git does."""
    found = [os.path.realpath(first)]
    level = list(found)
    for _ in range(depth):
        level = [p for store in level for p in alternates(store) if p not in found]
        found += level
    return list(dict.fromkeys(found))


def alternates(store: str) -> list[str]:
    """Return the object directories that `info/alternates` of `store` names."""
    try:
        with open(os.path.join(store, "info", "alternates"), "rb") as file:
            lines = file.read(1 << 20).splitlines()
    except OSError:
        return []
    paths = [os.fsdecode(line) for line in lines if line and not line.startswith((b"#", b'"'))]
    return [os.path.realpath(os.path.join(store, path)) for path in paths]


def refusal(path: str, messages: bytes) -> Exception:
    """Return the error for a git command that failed on the repository at `path`."""
    text = messages.decode("utf-8", "replace").strip()
    if "dubious ownership" in text:
        return InvalidRequest(
            f"{path} belongs to another user; to trust it: git config --global --add safe.directory {path}"
        )
    if "not a git repository" in text or "git diff --no-index" in text:  # all that is left to it elsewhere
        return NotFound(f"{path} is not in a git repository")
    if "cannot change to" in text:
        return NotFound(f"{path} is no folder that can be entered")
    last = text.splitlines()[-1] if text else "no message"
    return InvalidRequest(f"git failed in {path}: {last}")
