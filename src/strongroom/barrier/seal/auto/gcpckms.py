"""Google Cloud KMS: a symmetric key of a key ring. Without a credentials file the environment's are used.

Each ciphertext carries its version; a rotated key wraps anew under its primary version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strongroom.errors import IntegrityFailure, UpstreamFailed

if TYPE_CHECKING:
    from strongroom.barrier.seal.auto.pkcs11 import Run

KIND = "gcpckms"
ASSOCIATED = b"strongroom seal"
TIMEOUT_SECONDS = 10.0
_FOREIGN = "INVALID_ARGUMENT"
_SCOPE = "https://www.googleapis.com/auth/cloudkms"


class GcpCloudKms:
    """`run` calls blocking work in a thread; `key` is `projects/…/cryptoKeys/…`."""

    kind = KIND

    def __init__(self, key: str, run: Run, *, credentials: str = "", endpoint: str = "") -> None:
        self._key = key
        self._run = run
        self._credentials = credentials
        self._endpoint = endpoint

    async def encrypt(self, data_key: bytes) -> tuple[bytes, str]:
        """The ciphertext, and the number of the key's version. Raises UpstreamFailed."""
        made = await self._run(self._call, "encrypt", {"plaintext": data_key})
        return bytes(made.ciphertext), made.name.rpartition("/")[2]

    async def decrypt(self, ciphertext: bytes, version: str) -> bytes:
        """Undo `encrypt`. Raises as the seam says."""
        opened = await self._run(self._call, "decrypt", {"ciphertext": ciphertext})
        return bytes(opened.plaintext)

    def _call(self, operation: str, fields: dict[str, bytes]) -> Any:
        from google.api_core.exceptions import BadRequest, GoogleAPIError  # noqa: PLC0415 (an extra)
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 (same)

        request = {"name": self._key, "additional_authenticated_data": ASSOCIATED, **fields}
        try:
            with self._client() as client:
                return getattr(client, operation)(request=request, timeout=TIMEOUT_SECONDS, retry=None)
        except BadRequest as error:
            # A key that is disabled is a bad request as well, and may be enabled again.
            if operation == "decrypt" and _FOREIGN in getattr(error.response, "text", ""):
                raise IntegrityFailure("the Google Cloud KMS key does not open the seal") from None
            raise UpstreamFailed("Google Cloud KMS does not take this key") from None
        except (GoogleAPIError, GoogleAuthError, OSError, ValueError) as error:
            raise UpstreamFailed(f"Google Cloud KMS cannot be used: {type(error).__name__}") from None

    def _client(self) -> Any:
        from google.cloud import kms_v1  # noqa: PLC0415 (an extra: only who uses this seal installs it)
        from google.oauth2.service_account import Credentials  # noqa: PLC0415 (same)

        options = {"api_endpoint": self._endpoint} if self._endpoint else None
        known = None
        if self._credentials:
            read: Any = Credentials.from_service_account_file
            known = read(self._credentials, scopes=[_SCOPE])
        # REST needs no thread of its own that outlives the call, and passes the proxies that gRPC does not.
        return kms_v1.KeyManagementServiceClient(credentials=known, transport="rest", client_options=options)
