"""What is scanned: a repository with a long history, a log, a tree of real source, five staged files."""

import random
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from bench.scanner.tokens import LOWER_DIGITS, draw, planted

AUTHOR = "A Dev <dev@example.org>"
FILES = 700  # source files that the history changes
SMALL, LARGE = 2_000, 200_000  # bytes of a source file that is taken


def sources() -> list[Path]:
    """Source files of the installed Python and its packages, in a fixed order."""
    folders = {sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["purelib"]}
    found = {path for folder in folders for path in Path(folder).rglob("*.py")}
    return [path for path in sorted(found) if SMALL < path.stat().st_size < LARGE]


def git(folder: Path, *args: str) -> None:
    """Run git in `folder`."""
    subprocess.run(["git", "-C", str(folder), *args], check=True, capture_output=True)


def history(folder: Path, commits: int) -> list[str]:
    """Make a repository in which `commits` commits each change a few lines of a few files."""
    dice = random.Random(11)
    texts = {f"src/{n:04}/{p.name}": p.read_bytes() for n, p in enumerate(dice.sample(sources(), FILES))}
    secrets = planted(dice)
    due = {commits * (n + 1) // (len(secrets) + 1): line for n, (line, _) in enumerate(secrets)}
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    with subprocess.Popen(
        ["git", "-C", str(folder), "fast-import", "--quiet"], stdin=subprocess.PIPE
    ) as importer:
        assert importer.stdin is not None
        importer.stdin.write(_commit(0, texts))
        for number in range(1, commits):
            changed = {name: _edit(dice, texts[name]) for name in dice.sample(list(texts), 3)}
            texts.update(changed)
            if number in due:  # in one commit, and gone with the file's next change
                changed[next(iter(changed))] += f"\n{due[number]}\n".encode()
            importer.stdin.write(_commit(number, changed))
    git(folder, "repack", "-q", "-a", "-d", "-f")
    git(folder, "reset", "-q", "--hard")
    return [token for _, token in secrets]


def _commit(number: int, changed: dict[str, bytes]) -> bytes:
    message = f"change {number}\n".encode()
    head = f"commit refs/heads/main\ncommitter {AUTHOR} {1_600_000_000 + 3600 * number} +0000\n"
    parts = [head.encode(), b"data %d\n%s" % (len(message), message)]
    parts += [b"M 100644 inline %s\ndata %d\n%s\n" % (n.encode(), len(t), t) for n, t in changed.items()]
    return b"".join([*parts, b"\n"])


def _edit(dice: random.Random, text: bytes) -> bytes:
    """Change one to four places as people do: some lines go, some come."""
    lines = text.splitlines(keepends=True)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(lines) + 1)
        new = [
            f"    {draw(dice, LOWER_DIGITS, 6)} = item_{n}(value)\n".encode()
            for n in range(dice.randint(0, 6))
        ]
        lines[at : at + dice.randint(0, 4)] = new
    return b"".join(lines)


def log(path: Path, size: int) -> list[str]:
    """Write a log of `size` bytes with tokens spread over it."""
    dice = random.Random(12)
    secrets = planted(dice)
    block = "".join(_log_lines(dice, 20_000)).encode()
    step = size // (len(secrets) + 1)
    with path.open("wb") as file:
        for line, _ in secrets:
            for _ in range(step // len(block)):
                file.write(block)
            file.write(block[: step % len(block)])
            file.write(f"\n2026-01-01T00:00:00Z WARN environment {line}\n".encode())
        file.write(block[: max(0, size - file.tell())])
    return [token for _, token in secrets]


def _log_lines(dice: random.Random, count: int) -> Iterator[str]:
    for _ in range(count):
        day, hour, minute = dice.randint(1, 28), dice.randint(0, 23), dice.randint(0, 59)
        stamp = f"2026-03-{day:02}T{hour:02}:{minute:02}:07.{dice.randint(0, 999):03}Z"
        host = f"10.{dice.randint(0, 255)}.{dice.randint(0, 255)}.{dice.randint(1, 254)}"
        path = "/".join(dice.sample(["api", "v1", "users", "orders", "items", "search", "status"], 3))
        request = draw(dice, "0123456789abcdef", 16)
        answer = f"200 {dice.randint(1, 900)}ms id={request}"
        yield f"{stamp} INFO server {host} GET /{path}/{dice.randint(1, 99999)} {answer}\n"


def tree(folder: Path, short: bool) -> list[str]:
    """Copy real source: the installed packages; tokens stand in a few new files."""
    shutil.copytree(
        sysconfig.get_paths()["purelib"], folder, ignore=shutil.ignore_patterns("__pycache__", "*.so*")
    )
    if not short:
        ignored = shutil.ignore_patterns("__pycache__", "*.so*", "site-packages", "dist-packages")
        shutil.copytree(sysconfig.get_paths()["stdlib"], folder / "stdlib", ignore=ignored)
    secrets = planted(random.Random(13))
    (folder / "deploy").mkdir()
    for number, (line, _) in enumerate(secrets):
        (folder / "deploy" / f"settings{number}.env").write_text(f"# settings\n{line}\n")
    return [token for _, token in secrets]


def staged(folder: Path) -> list[str]:
    """A small repository with five changed files in its index."""
    dice = random.Random(14)
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    names = [f"module{n}.py" for n in range(5)]
    for name, path in zip(names, dice.sample(sources(), 5), strict=True):
        (folder / name).write_bytes(path.read_bytes()[:20_000])
    git(folder, "add", ".")
    git(folder, "-c", "user.name=A Dev", "-c", "user.email=dev@example.org", "commit", "-qm", "first")
    line, token = planted(dice)[0]
    for name in names:
        with (folder / name).open("a") as file:
            file.write(f"\ndef added_{name[:-3]}() -> int:\n    return 1\n")
    with (folder / names[2]).open("a") as file:
        file.write(f"\n{line}\n")
    git(folder, "add", ".")
    return [token]


if __name__ == "__main__":
    history(Path(sys.argv[1]), int(sys.argv[2]))
