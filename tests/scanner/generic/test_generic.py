"""Generic detection on hand-written files: what it must find, and what it must leave alone."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.scanner import generic
from strongroom.scanner.falsealarms import placeholder
from tests.scanner.marked import found, samples, unmark

_COMMAND = [trigger.name for trigger in generic.TRIGGERS].index("command")
FILES = Path(__file__).parent / "files"
SAMPLES = [(name, text) for collection in sorted(FILES.glob("*.txt")) for name, text in samples(collection)]


@pytest.mark.parametrize(
    ("name", "text"), SAMPLES, ids=[f"{n}-{name}" for n, (name, _) in enumerate(SAMPLES)]
)
def test_exactly_the_marked_secrets_are_found(name: str, text: str) -> None:
    data, spans = unmark(text)
    assert {data[a:b] for a, b in found(name, data)} == {data[a:b] for a, b in spans}


def test_a_finding_says_why_and_never_quotes_the_secret() -> None:
    data = b'password = "Tr0ub4dor&3"'
    (candidate,) = generic.find("a.py", data, generic.hits(data))
    assert candidate.detector == "generic.password"
    assert candidate.reasons
    assert not any("Tr0ub4dor" in reason for reason in candidate.reasons)


def test_a_lock_file_is_left_alone() -> None:
    data = b'"token": "f3a9c1d27b5e4c80a6d1e9b2f3a9c1d2"'
    assert not list(generic.find("package-lock.json", data, generic.hits(data)))


def test_the_same_secret_is_reported_once_per_place() -> None:
    data = b'api_key="f3a9c1d27b5e4c80a6d1e9b2"; api_key="f3a9c1d27b5e4c80a6d1e9b2"'
    places = [c.start for c in generic.find("a.py", data, [*generic.hits(data), *generic.hits(data)])]
    assert len(places) == len(set(places)) == 2


@given(
    before=st.binary(max_size=60),
    after=st.binary(max_size=60),
    name=st.sampled_from(["a.py", "a.yml", "", ".env", "x.xml"]),
)
def test_any_bytes_around_a_secret_are_survived(before: bytes, after: bytes, name: str) -> None:
    data = before + b'password="Tr0ub4dor&3"' + after
    for candidate in generic.find(name, data, generic.hits(data)):
        assert 0 <= candidate.start < candidate.end <= len(data)


@pytest.mark.parametrize(
    "name",
    ["shadow", ".netrc", "logins.json", "filezilla.xml", ".my.cnf", "database.yml", "d.sql", "secret.yaml"],
)
@given(data=st.binary(max_size=300))
def test_readers_survive_any_bytes(name: str, data: bytes) -> None:
    for candidate in generic.find(name, data, []):
        assert 0 <= candidate.start <= candidate.end <= len(data)


@pytest.mark.parametrize("value", ["ghp_" + "0" * 36, "sk_live_" + "x" * 24])
def test_a_prefix_before_one_repeated_character_is_a_placeholder(value: str) -> None:
    assert placeholder(value) == "masked or one repeated character"


def test_a_kind_of_resource_is_no_name_of_a_secret() -> None:
    kinds = (
        b'DIGESTS = {"AWS::ApiGateway::ApiKey": "c76c1f0a9d3eeba3", "AWS::MSK::Secret": "95b03ad1c0f2e871"}\n'
    )
    assert list(generic.find("a.py", kinds, generic.hits(kinds))) == []
    hiera = b'"profile::db::password": "x7Kd93kd0LmQ"\n'
    assert [c.secret for c in generic.find("a.json", hiera, generic.hits(hiera))] == [b"x7Kd93kd0LmQ"]


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        (b'wpa_passphrase "My Net" "Tr0ub4dor and3Zk"', b"Tr0ub4dor and3Zk"),
        (b"plink root@host -pw " + b"Xq7vLp92mQzKdW83jfk" * 6, b"Xq7vLp92mQzKdW83jfk" * 6),
        (b"smbclient //srv/a -U 'corp\\bob%Vx93k\"Qp2'", b'Vx93k"Qp2'),
        (b"username admin privilege 15 secret 0 Adm93kkLqx$Zk", b"Adm93kkLqx$Zk"),
    ],
)
def test_of_a_secret_in_a_command_no_rest_is_left_to_be_shown(line: bytes, secret: bytes) -> None:
    assert [c.secret for c in generic.find("a.sh", line, generic.hits(line))] == [secret]


def test_a_long_line_of_commands_takes_no_longer_than_its_length() -> None:
    data = b"smbclient -U a%" * 20_000
    began = time.process_time()
    assert list(generic.find("a.sh", data, [(_COMMAND, end) for end in range(15, len(data), 15)])) != []
    assert time.process_time() - began < 8


def test_a_sealed_secret_does_not_speak_for_what_follows_it() -> None:
    sealed = b"kind: SealedSecret\nencryptedData:\n  token: AgZk39fQw2xLp84TnBv62RyCm71HsJd05GaXe3QoUi9WqK\n"
    plain = b"---\nkind: ConfigMap\ndata:\n  token: AgVn82kdLqx93mZpT64RyCm71HsJd05GaXe3QoUi9WrB\n"
    found = generic.find("a.yaml", sealed + plain, generic.hits(sealed + plain))
    assert [c.secret[:6] for c in found] == [b"AgVn82"]
