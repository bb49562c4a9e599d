"""Inline markers: ours, the other scanners', and what they do not hide."""

import pytest

from strongroom.scanner.suppress import markers

SECRET = "s3cr3t-value-0123"
PRINT = "0123456789abcdef0123456789abcdef"


def _find(text: str) -> str:
    start = text.index(SECRET)
    return markers.find(text.encode(), len(text[:start].encode()), len(text[:start].encode()) + len(SECRET))


@pytest.mark.parametrize(
    "line",
    [
        f"k = '{SECRET}'  # strongroom:allow sample of the tests",
        f"k = '{SECRET}'  # gitleaks:allow",
        f"k = '{SECRET}'  // betterleaks:allow",
        f"k = '{SECRET}'  # pragma: allowlist secret",
        f"k = '{SECRET}'  # pragma: whitelist secret",
        f"k = '{SECRET}'  /* ggignore */",
        f"k = '{SECRET}'  # trufflehog:ignore",
        f"k = '{SECRET}'  # kingfisher:ignore",
        f"k = '{SECRET}'  # nosec B105",
        f"# pragma: allowlist nextline secret\nk = '{SECRET}'",
        f"/* gitleaks:allow */ k = '{SECRET}'",
    ],
)
def test_a_marker_on_its_line_allows(line: str) -> None:
    marker = _find(f"first line\n{line}\nlast line\n")
    assert marker
    assert markers.holds(marker, PRINT)[0]


@pytest.mark.parametrize(
    "text",
    [
        f"k = '{SECRET}'",
        f"# gitleaks:allow\nk = '{SECRET}'",
        f"k = '{SECRET}'\n# gitleaks:allow",
        f"# pragma: allowlist nextline secret\n\nk = '{SECRET}'",
        f"k = '{SECRET}'  # see ggignored and nosecond",
    ],
)
def test_a_marker_elsewhere_allows_nothing(text: str) -> None:
    assert _find(text) == ""


def test_our_marker_needs_a_reason() -> None:
    assert markers.holds(_find(f"k={SECRET} # strongroom:allow"), PRINT) == (
        False,
        "strongroom:allow gives no reason",
    )
    assert markers.holds(_find(f"k={SECRET} <!-- strongroom:allow printed in the docs -->"), PRINT) == (
        True,
        "strongroom:allow: printed in the docs",
    )


def test_a_bound_marker_allows_its_own_secret_only() -> None:
    marker = _find(f"k={SECRET} # strongroom:allow {PRINT[:10]} key of the sandbox")
    assert markers.holds(marker, PRINT)[0]
    assert not markers.holds(marker, PRINT[::-1])[0]


def test_a_marker_far_away_on_a_minified_line_is_not_beside_the_secret() -> None:
    assert _find("x" * 5000 + f"k={SECRET};" + "y" * 5000 + "// gitleaks:allow") == ""
