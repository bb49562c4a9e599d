"""AWS KMS: a symmetric key that never leaves it. Credentials are found as AWS's own tools find them.

The key is named at opening too, so what another key has wrapped is not opened. AWS rotates the
material of a key under the same name; a different key is another seal, under a name of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strongroom.errors import IntegrityFailure, UpstreamFailed

if TYPE_CHECKING:
    from strongroom.barrier.seal.auto.pkcs11 import Run

KIND = "awskms"
CONTEXT = {"purpose": "strongroom seal"}
"""Bound to each ciphertext, and a condition that a key policy may state."""

_FOREIGN = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})
_CONNECT_SECONDS, _ANSWER_SECONDS, _ATTEMPTS = 5, 10, 2


class AwsKms:
    """`run` calls blocking work in a thread; `endpoint` is for private links."""

    kind = KIND

    def __init__(self, key_id: str, run: Run, *, region: str = "", endpoint: str = "") -> None:
        self._key_id = key_id
        self._run = run
        self._region = region
        self._endpoint = endpoint

    async def encrypt(self, data_key: bytes) -> tuple[bytes, str]:
        """The ciphertext, and the key's full name. Raises UpstreamFailed."""
        made = await self._run(self._call, "encrypt", {"Plaintext": data_key})
        return made["CiphertextBlob"], made["KeyId"]

    async def decrypt(self, ciphertext: bytes, version: str) -> bytes:
        """Undo `encrypt`. Raises as the seam says."""
        opened = await self._run(self._call, "decrypt", {"CiphertextBlob": ciphertext})
        return bytes(opened["Plaintext"])

    def _call(self, operation: str, parameters: dict[str, Any]) -> Any:
        from botocore.config import Config  # noqa: PLC0415 (an extra: only who uses this seal installs it)
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (same)
        from botocore.session import Session  # noqa: PLC0415 (same)

        settings = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_ANSWER_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        )
        places = {"region_name": self._region or None, "endpoint_url": self._endpoint or None}
        try:
            client = Session().create_client("kms", config=settings, **places)
            try:
                return getattr(client, operation)(KeyId=self._key_id, EncryptionContext=CONTEXT, **parameters)
            finally:
                client.close()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _FOREIGN:
                raise IntegrityFailure("the AWS KMS key does not open the seal") from None
            raise UpstreamFailed(f"AWS KMS refuses: {code}") from None
        except (BotoCoreError, ValueError) as error:
            raise UpstreamFailed(f"AWS KMS cannot be used: {type(error).__name__}") from None
