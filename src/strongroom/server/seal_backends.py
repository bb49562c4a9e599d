"""The key services that the configuration names, built: files and the environment hold their secrets."""

import getpass
import os
import ssl
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from strongroom.barrier.seal.auto.awskms import AwsKms
from strongroom.barrier.seal.auto.azurekeyvault import AzureKeyVault
from strongroom.barrier.seal.auto.envelope import EnvelopeSeal
from strongroom.barrier.seal.auto.gcpckms import GcpCloudKms
from strongroom.barrier.seal.auto.keyfile import KeyFileSeal
from strongroom.barrier.seal.auto.pkcs11 import Pkcs11Seal, Run
from strongroom.barrier.seal.auto.transit import Transit
from strongroom.barrier.seal.sealing import Backend
from strongroom.barrier.seal.state import Seal
from strongroom.errors import UpstreamFailed
from strongroom.sensitive import Sensitive
from strongroom.server.problems import StartFailed
from strongroom.server.seal_settings import GUIDE, SealSettings, name_of

PIN_VARIABLE = "STRONGROOM_SEAL_PIN"
TOKEN_VARIABLE = "STRONGROOM_SEAL_TOKEN"
CLIENT_SECRET_VARIABLE = "STRONGROOM_SEAL_CLIENT_SECRET"
_PACKAGES = {
    "pkcs11": "pkcs11",
    "awskms": "botocore",
    "azurekeyvault": "azure.keyvault.keys",
    "gcpckms": "google.cloud.kms_v1",
}

Secret = Callable[[], Sensitive[str]]


def backends(tables: Sequence[SealSettings], run: Run) -> list[Backend]:
    """A key service for each table, none of them asked yet. Raises StartFailed."""
    return [Backend(name_of(table), _seal(table, run), table.disabled) for table in tables]


def _seal(table: SealSettings, run: Run) -> Seal:
    package = _PACKAGES.get(table.kind)
    if package is not None and not _installed(package):
        raise StartFailed(
            f"the {table.kind} seal needs a package that is not installed",
            f"{package} is not found.",
            f'Install it with: pip install "strongroom[{table.kind}]"',
        )
    if table.kind == "keyfile":
        return KeyFileSeal(Path(table.key_file))
    if table.kind == "pkcs11":
        return Pkcs11Seal(table.library, table.token, table.key_label, _pin(table), run)
    if table.kind == "transit":
        return EnvelopeSeal(_transit(table))
    return EnvelopeSeal(_cloud(table, run))


def _cloud(table: SealSettings, run: Run) -> AwsKms | AzureKeyVault | GcpCloudKms:
    if table.kind == "awskms":
        return AwsKms(table.key_id, run, region=table.region, endpoint=table.endpoint)
    if table.kind == "gcpckms":
        ring = f"projects/{table.project}/locations/{table.location}/keyRings/{table.key_ring}"
        key = f"{ring}/cryptoKeys/{table.crypto_key}"
        return GcpCloudKms(key, run, credentials=table.credentials_file, endpoint=table.endpoint)
    named = bool(table.client_secret_file or os.environ.get(CLIENT_SECRET_VARIABLE))
    return AzureKeyVault(
        table.vault_url,
        table.key_name,
        run,
        tenant=table.tenant_id,
        client=table.client_id,
        secret=_secret("client secret", table.client_secret_file, CLIENT_SECRET_VARIABLE) if named else None,
        authority=table.authority,
    )


def _transit(table: SealSettings) -> Transit:
    try:
        tls = ssl.create_default_context(cafile=table.tls_ca or None)
    except OSError as error:
        raise StartFailed(
            f"cannot read the certificates in {table.tls_ca}", error.strerror or "They are no PEM.", GUIDE
        ) from None
    return Transit(
        table.address,
        table.key_name,
        _secret("token", table.token_file, TOKEN_VARIABLE),
        mount_path=table.mount_path or "transit",
        namespace=table.namespace,
        tls=tls,
    )


def _pin(table: SealSettings) -> Secret:
    if not table.pin_stdin:
        return _secret("PIN", table.pin_file, PIN_VARIABLE)
    if sys.stdin.isatty():
        typed = getpass.getpass(f"PIN of the token {table.token}: ")
    else:
        typed = sys.stdin.readline().rstrip("\r\n")
    if not typed:
        raise StartFailed("no PIN was given", f"Standard input held none for the token {table.token}.", GUIDE)
    kept = Sensitive(typed)
    return lambda: kept


def _secret(what: str, file: str, variable: str) -> Secret:
    """Reads a secret anew at each use: from its file, else from the environment."""

    def read() -> Sensitive[str]:
        if not file:
            found = os.environ.get(variable, "")
            if not found:
                raise UpstreamFailed(f"no {what} for the seal: name a file, or set {variable}")
            return Sensitive(found)
        try:
            return Sensitive(Path(file).read_text(encoding="utf-8").rstrip("\r\n"))
        except (OSError, UnicodeDecodeError):
            raise UpstreamFailed(f"cannot read the {what} from {file}") from None

    return read


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False
