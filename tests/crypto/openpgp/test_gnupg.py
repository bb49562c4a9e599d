"""Messages that the real GnuPG decrypts, to keys that it made."""

import base64
import time
from collections.abc import Iterator

import pytest

from strongroom.crypto.openpgp import encrypt, recipient
from strongroom.errors import InvalidRequest

from .gnupg import KINDS, GnuPG, gnupg

pytestmark = [pytest.mark.component("gpg"), pytest.mark.slow]


@pytest.fixture(scope="module")
def gpg() -> Iterator[GnuPG]:
    with gnupg() as home:
        yield home


@pytest.mark.parametrize("kind", KINDS)
def test_gnupg_decrypts_what_is_encrypted_to_its_key(gpg: GnuPG, kind: str) -> None:
    fingerprint = gpg.make(kind, f"{kind}@example.com")
    forms = (
        base64.b64encode(gpg.export(f"{kind}@example.com")).decode(),
        gpg.export(f"{kind}@example.com", "--armor").decode(),
        gpg.export(f"{kind}@example.com", "--armor", "--comment", "a: comment")
        .decode()
        .replace("\n", "\r\n"),
    )
    for form in forms:
        to = recipient(form, time.time())
        assert to.fingerprint == fingerprint
        for text in (b"", b"share", bytes(range(256)) * 300):
            assert gpg.decrypt(encrypt(to, text)) == text


def test_the_newest_subkey_is_chosen_and_a_revoked_one_is_not(gpg: GnuPG) -> None:
    gpg.make("ed25519", "two@example.com")
    silent = ("--passphrase", "", "--pinentry-mode", "loopback")
    gpg.run(
        *silent, "--faked-system-time", f"{int(time.time()) + 60}",
        "--quick-add-key", gpg.fingerprint("two@example.com"), "rsa2048", "encrypt", "never",
    )  # fmt: skip
    both = base64.b64encode(gpg.export("two@example.com")).decode()
    assert recipient(both, time.time() + 120).key.rsa is not None
    gpg.run(
        *silent, "--no-batch", "--command-fd", "0", "--yes", "--edit-key", "two@example.com",
        given=b"key 2\nrevkey\ny\n0\n\ny\nsave\n",
    )  # fmt: skip
    one = base64.b64encode(gpg.export("two@example.com")).decode()
    to = recipient(one, time.time() + 120)
    assert to.key.x25519 is not None
    assert gpg.decrypt(encrypt(to, b"share")) == b"share"


def test_an_expired_key_is_refused(gpg: GnuPG) -> None:
    gpg.make("ed25519", "old@example.com", expires="1d")
    text = base64.b64encode(gpg.export("old@example.com")).decode()
    recipient(text, time.time())
    with pytest.raises(InvalidRequest, match="expired"):
        recipient(text, time.time() + 2 * 86_400)


def test_private_keys_are_refused(gpg: GnuPG) -> None:
    gpg.make("ed25519", "mine@example.com")
    secret = ("--pinentry-mode", "loopback", "--passphrase", "")
    for options in ((), ("--armor",)):
        raw = gpg.run(*secret, *options, "--export-secret-keys", "mine@example.com")
        text = raw.decode() if options else base64.b64encode(raw).decode()
        with pytest.raises(InvalidRequest, match="private OpenPGP key"):
            recipient(text, time.time())
