"""What `strongroom gitleaks` scans, and the links its reports have."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.errors import InvalidRequest, StrongroomError
from strongroom.scanner.sources.git import Git

if TYPE_CHECKING:
    import argparse

    from strongroom.scanner.blob import Source
    from strongroom.scanner.compat.gitleaks_leaks import Leak

FOLDERS = ("dir", "directory", "file", "files")
LINKS = {
    "github": "{url}/blob/{commit}/{file}#L{first}-L{last}",
    "gitlab": "{url}/blob/{commit}/{file}#L{first}-{last}",
    "bitbucket": "{url}/src/{commit}/{file}#lines-{first}:{last}",
    "gitea": "{url}/src/commit/{commit}/{file}#L{first}-L{last}",
    "azuredevops": "{url}/commit/{commit}?path=/{file}&line={first}&lineEnd={last}",
}
HOSTS = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "bitbucket.org": "bitbucket",
    "dev.azure.com": "azuredevops",
    "gitea.com": "gitea",
    "codeberg.org": "gitea",
}


def make(args: argparse.Namespace, target: str) -> Source:
    """The source that the command names."""
    if args.command == "stdin" or args.pipe:
        from strongroom.scanner.sources.stdin import StreamSource  # noqa: PLC0415 (only what is asked for)

        return StreamSource(sys.stdin.buffer)
    if args.command in FOLDERS or args.no_git:
        return _files([target], args.max_target_megabytes)
    if args.staged:
        from strongroom.scanner.sources.staged import StagedSource  # noqa: PLC0415

        return StagedSource(target)
    if args.pre_commit or args.command == "protect":
        return _files(_changed(target), args.max_target_megabytes)
    return _history(target, shlex.split(args.log_opts))


def _files(paths: list[str], megabytes: int) -> Source:
    from strongroom.scanner.sources.files import FilesSource  # noqa: PLC0415

    return FilesSource(paths, ignored=True, max_size=megabytes * 1_000_000 if megabytes else 2 << 30)


def _changed(target: str) -> list[str]:
    """Files of the work tree that differ from the index."""
    listing = Git(target).run("diff", "--name-only", "-z", "--no-ext-diff", "--diff-filter=ACM", "--relative")
    return [f"{target}/{name}".removeprefix("./") for name in listing.decode().split("\0") if name]


def _history(target: str, options: list[str]) -> Source:
    """A history as `--log-opts` narrows it: revisions, ranges, --all, --since, --branches."""
    from strongroom.scanner.sources.history import HistorySource  # noqa: PLC0415

    ranges: list[str] = []
    since = ""
    for option in options:
        if option.startswith(("--since=", "--after=")):
            since = option.partition("=")[2]
        elif option in ("--all", "--branches", "--remotes", "--full-history", "--no-merges", "-m"):
            continue
        elif option.startswith("-"):
            raise InvalidRequest(
                f"--log-opts: {option} is not supported; revisions, A..B, --all and --since are"
            )
        else:
            ranges.append(option.replace("...", ".."))
    return HistorySource(target, ranges=ranges, since=since)


def linked(found: list[Leak], target: str, platform: str) -> list[Leak]:
    """Add a link to each leak of a commit, where the repository's remote tells how."""
    if platform == "none" or not any(leak["Commit"] for leak in found):
        return found
    try:
        remote = Git(target).run("ls-remote", "--get-url").decode().strip()
    except StrongroomError:
        return found
    parts = re.fullmatch(
        r"(?:https?://(?:[^@/]+@)?|(?:ssh://)?git@)([^/:]+)(?::\d+)?[:/](.+?)(?:\.git)?/?", remote
    )
    form = LINKS.get(platform or HOSTS.get(parts[1], "") if parts else "")
    if not parts or not form:
        return found
    return [_with_link(leak, form, f"https://{parts[1]}/{parts[2]}") for leak in found]


def _with_link(leak: Leak, form: str, url: str) -> Leak:
    file = Path(leak["File"].partition("!")[0]).as_posix()
    link = form.format(
        url=url, commit=leak["Commit"], file=file, first=leak["StartLine"], last=leak["EndLine"]
    )
    before = list(leak.items())
    at = [key for key, _ in before].index("Commit") + 1
    return dict([*before[:at], ("Link", link), *before[at:]])
