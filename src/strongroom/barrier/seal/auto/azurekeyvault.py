"""Azure Key Vault and Managed HSM: the private half of an RSA key stays there; RSA-OAEP with SHA-256.

The newest version of the key wraps, here with its public half, and the version that wrapped unwraps.
Who can read the public half can wrap keys of their own, so to write the store is enough to put another
store in its place; reading this one takes the private half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strongroom.errors import IntegrityFailure, UpstreamFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.barrier.seal.auto.pkcs11 import Run
    from strongroom.sensitive import Sensitive

KIND = "azurekeyvault"
TIMEOUT_SECONDS = 10
_BAD_REQUEST = 400


class AzureKeyVault:
    """`run` calls blocking work in a thread. Without a `secret` the environment's identity logs in.

    `authority` is the login's host where it is not Azure's public one.
    """

    kind = KIND

    def __init__(
        self,
        vault: str,
        key_name: str,
        run: Run,
        *,
        tenant: str = "",
        client: str = "",
        secret: Callable[[], Sensitive[str]] | None = None,
        authority: str = "",
    ) -> None:
        self._key = f"{vault.rstrip('/')}/keys/{key_name}"
        self._run = run
        self._tenant = tenant
        self._client_id = client
        self._secret = secret
        self._authority = authority

    async def encrypt(self, data_key: bytes) -> tuple[bytes, str]:
        """The ciphertext, and the key's version. Raises UpstreamFailed."""
        made = await self._run(self._call, "wrap_key", self._key, data_key)
        name, _, version = made.key_id.rpartition("/")
        if name != self._key:
            raise UpstreamFailed("the Azure identity lacks the permission to get the key")
        return bytes(made.encrypted_key), version

    async def decrypt(self, ciphertext: bytes, version: str) -> bytes:
        """Undo `encrypt`, with the version that it names. Raises as the seam says."""
        if not version.isalnum():
            raise IntegrityFailure("what the seal has wrapped names no version of a key")
        opened = await self._run(self._call, "unwrap_key", f"{self._key}/{version}", ciphertext)
        return bytes(opened.key)

    def _call(self, operation: str, key: str, value: bytes) -> Any:
        from azure.core.exceptions import AzureError, HttpResponseError  # noqa: PLC0415 (an extra)
        from azure.keyvault.keys.crypto import CryptographyClient, KeyWrapAlgorithm  # noqa: PLC0415 (same)

        waits = {"connection_timeout": TIMEOUT_SECONDS, "read_timeout": TIMEOUT_SECONDS, "retry_total": 1}
        try:
            with self._credential() as credential, CryptographyClient(key, credential, **waits) as client:
                return getattr(client, operation)(KeyWrapAlgorithm.rsa_oaep_256, value)
        except HttpResponseError as error:
            if error.status_code == _BAD_REQUEST and operation == "unwrap_key":
                raise IntegrityFailure("the Azure key does not open the seal") from None
            refused = "refuses the login" if error.status_code is None else f"answered {error.status_code}"
            raise UpstreamFailed(f"Azure Key Vault {refused}") from None
        except (AzureError, ValueError) as error:
            raise UpstreamFailed(f"Azure Key Vault cannot be used: {type(error).__name__}") from None

    def _credential(self) -> Any:
        from azure.identity import ClientSecretCredential, DefaultAzureCredential  # noqa: PLC0415 (an extra)

        where = {"authority": self._authority, "disable_instance_discovery": True} if self._authority else {}
        if self._secret is None:
            return DefaultAzureCredential(exclude_interactive_browser_credential=True, **where)
        return ClientSecretCredential(self._tenant, self._client_id, self._secret().reveal(), **where)
