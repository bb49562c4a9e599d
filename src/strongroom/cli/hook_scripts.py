"""The scripts that git runs: written, chained to what was there, and taken away again."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from strongroom.errors import InvalidRequest

MARK = "# Installed by `strongroom install`; `strongroom uninstall` removes it."
BEFORE = ".before-strongroom"
CLIENT = (
    "applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit",
    "prepare-commit-msg", "commit-msg", "post-commit", "pre-rebase", "post-checkout", "post-merge",
    "pre-push", "post-rewrite",
)  # fmt: skip
READS_INPUT = ("pre-push", "pre-receive", "post-rewrite")

_FIND = """\
strongroom={command}
[ -x "$strongroom" ] || strongroom=$(command -v strongroom) || {{
  echo "strongroom is not installed any more, so nothing can be checked. Install it, or remove $0" >&2
  exit 1
}}
"""
_KEEP = 'input=$(cat)\n[ -z "$input" ] || input="$input\n"\n'
_OWN = 'own="$(git rev-parse --git-common-dir 2>/dev/null)/hooks/{kind}"\n'


def script(kind: str, *, everywhere: bool, check: bool = True) -> str:
    """The hook `kind`. `everywhere` also runs a repository's own hook, which core.hooksPath would hide.

    Without `check` it only runs what would be hidden.
    """
    gets_input = kind in READS_INPUT
    feed = 'printf %s "$input" | ' if gets_input else ""
    parts = ["#!/bin/sh\n", MARK + "\n"]
    parts += [_FIND.format(command=shlex.quote(command()))] if check else []
    parts += [_KEEP] if gets_input else []
    parts += [f'before="$(dirname "$0")/{kind}{BEFORE}"\n']
    parts += [f'[ ! -x "$before" ] || {feed}"$before" "$@" || exit $?\n']
    if everywhere:
        parts += [_OWN.format(kind=kind), f'[ ! -x "$own" ] || {feed}"$own" "$@" || exit $?\n']
    parts += [f'{feed}"$strongroom" hook {kind}\n' if check else "exit 0\n"]
    return "".join(parts)


def command() -> str:
    """The strongroom that runs now, as a path that stays."""
    here = Path(sys.argv[0])
    if here.name in ("strongroom", "sr") and here.exists():
        return str(here.absolute())
    beside = Path(sys.executable).with_name("strongroom")
    return str(beside) if beside.exists() else shutil.which("strongroom") or "strongroom"


def place(folder: Path, kind: str, text: str) -> str:
    """Write a hook; what was there is kept and runs first. Returns what was done."""
    target, kept = folder / kind, folder / (kind + BEFORE)
    folder.mkdir(parents=True, exist_ok=True)
    done = "installed"
    if ours(target):
        done = "is up to date" if target.read_text("utf-8") == text else "updated"
    elif os.path.lexists(target):
        if os.path.lexists(kept):
            raise InvalidRequest(f"{target} is not ours, and {kept} is taken: remove one of them")
        target.rename(kept)
        done = f"installed; the hook that was there runs first ({kept.name})"
    scratch = folder / f"{kind}.{os.getpid()}"
    scratch.write_text(text, "utf-8")
    scratch.chmod(0o755)
    scratch.replace(target)
    return done


def remove(folder: Path, kind: str) -> bool:
    """Take a hook away and put back what was there before; False when there is none of ours."""
    target, kept = folder / kind, folder / (kind + BEFORE)
    if not ours(target):
        return False
    target.unlink()
    if os.path.lexists(kept):
        kept.rename(target)
    return True


def ours(path: Path) -> bool:
    """Whether the hook at `path` was written by `place`."""
    try:
        return not path.is_symlink() and MARK in path.read_text("utf-8", "replace")
    except OSError:
        return False
