"""What the second look drops: words, digests, samples, values that belong to something else."""

import pytest

from strongroom.scanner import confirm, examples
from strongroom.scanner.checksums import CHECKSUMS
from strongroom.scanner.confirm import Rule
from strongroom.scanner.context import is_word, name_pattern
from strongroom.scanner.detector import Detector
from strongroom.scanner.placeholders import dull, sample

VALUE = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"


@pytest.fixture
def acme() -> Rule:
    return confirm.rule(
        Detector(
            "acme.key", "Acme", "context", "medium", "high", "", names=("acme_io",), value="[0-9a-f]{32}"
        )
    )


@pytest.mark.parametrize(
    "text",
    [
        "ACME_IO_KEY={}",
        'acmeIoKey: "{}"',
        '{{"acme-io": {{"key": "{}"}}}}',
        '{{"name": "ACME_IO", "value": "{}"}}',
        "acme.io:\n  api_key: {}\n",
        "# acme io\nTOKEN={}",
        "<acmeio>{}</acmeio>",
        "curl -H 'X-Acme-Io: {}'",
        "AcmeIo.connect('{}')",
        "acme_io | {} |",
    ],
)
def test_a_name_speaks_about_the_value_after_it(acme: Rule, text: str) -> None:
    data = text.format(VALUE).encode()
    assert [data[a:b].decode() for a, b in confirm.every_span(acme, data)] == [VALUE]


@pytest.mark.parametrize(
    "text",
    [
        "placmeio={}",
        "acme_io_commit: {}",
        "acme_io@sha256:{}",
        "acme_io = {}0",
        "acme_io = x{}",
        "https://acme.io/files/{}",
        "acme_io\n\n\n\nkey={}",
        "acme_io\nthe other thing is {}",
        "acme_io" + " " * 70 + "{}",
        "acme_io({}.png)",
    ],
)
def test_a_name_does_not_speak_about_everything(acme: Rule, text: str) -> None:
    assert list(confirm.every_span(acme, text.format(VALUE).encode())) == []


@pytest.mark.parametrize(
    "text", ["ably_key", "ABLY", "myAblyKey", "x.ably.y", "ablykey", "ABLYKEY", "Ably2", "_ably_"]
)
def test_a_short_name_is_a_word(text: str) -> None:
    at = text.lower().index("ably")
    assert is_word(text.encode(), at, at + 4)


@pytest.mark.parametrize("text", ["probably", "ablysome", "Notably", "PROBABLY", "_ZN3ably4Key"])
def test_a_short_name_is_no_part_of_a_word(text: str) -> None:
    at = text.lower().index("ably")
    assert not is_word(text.encode(), at, at + 4)


def test_separators_in_names_are_equal() -> None:
    assert name_pattern("acme_io") == name_pattern("acme-io") == name_pattern("acme io") == "acme[_. -]?io"


@pytest.mark.parametrize(
    "secret",
    [
        "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx",
        "AKIAIOSFODNN7EXAMPLE",
        "your_api_key_goes_here_000",
        "${STRIPE_KEY_FROM_ENV_1234}",
        "abababababababababab",
    ],
)
def test_samples_are_told_from_secrets(secret: str) -> None:
    assert sample(secret.encode(), strict=True)


@pytest.mark.parametrize(
    "secret",
    ["abcdefghijklmnopqrstuvwxyz012345", "1234567890abcdef1234567890abcdef", "Kf0000000mQ2xLw9Zb4TnR7v"],
)
def test_a_dull_token_of_a_known_format_may_be_real(secret: str) -> None:
    """Near a name alone it is a sample."""
    assert not sample(secret.encode(), strict=True)
    assert dull(secret.encode())
    assert sample(secret.encode(), strict=False)


def test_random_tokens_are_no_samples() -> None:
    drawn = [examples.draw("<alnum:40>", str(n)).encode() for n in range(2000)]
    assert [text for text in drawn if sample(text, strict=True) or dull(text)] == []


@pytest.mark.parametrize("name", sorted(CHECKSUMS))
def test_a_checksum_takes_what_it_makes_and_refuses_a_change(name: str) -> None:
    prefix = {
        "github": "ghp_",
        "npm": "npm_",
        "gitlab_routable": "glpat-",
        "grafana": "glsa_",
        "nkey": "SUAL",
    }.get(name, "")
    good = examples.draw(f"<checksum:{name}:{prefix}>", "seed").encode()
    assert CHECKSUMS[name].check(good)
    wrong = (
        good[:8] + bytes([good[8] ^ 1]) + good[9:] if name not in ("jwt", "discord") else b"AAAA" + good[4:]
    )
    assert not CHECKSUMS[name].check(wrong)


def test_entropy_is_in_bits_per_byte() -> None:
    assert confirm.entropy(b"aaaa") == 0
    assert confirm.entropy(b"abcd") == 2
    assert confirm.entropy(b"") == 0
