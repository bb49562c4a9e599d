"""Google Cloud KMS and Azure Key Vault on loopback, as their documentation says they answer.

Both hold real keys in memory and check who asks: Google's by the signature of the service account's
JWT, Azure's by the token that its login has issued for a client secret.
"""

import base64
import json
import secrets
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.server.certificates import Pair

Answer = tuple[int, dict[str, Any], dict[str, str]]
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def padded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Cloud(ABC):
    """A server of one service; `answer` is what a subclass says."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    @abstractmethod
    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """What the service says to one request."""

    @contextmanager
    def running(self, pair: Pair | None = None) -> Iterator[str]:
        """Serve; gives the address."""
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = self.path.partition("?")[0]
                cloud.asked.append(f"{self.command} {path}")
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, content, more = cloud.answer(self.command, path, headers, body)
                raw = json.dumps(content).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **more}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST  # noqa: N815 (the name that http.server calls)

            def log_message(self, *_: object) -> None:
                """Nothing is logged."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        if pair is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pair.cert, pair.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        scheme = "http" if pair is None else "https"
        try:
            yield f"{scheme}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class GoogleKms(Cloud):
    """`projects.locations.keyRings.cryptoKeys.encrypt` and `decrypt`, by key and version."""

    def __init__(self) -> None:
        super().__init__()
        self.account = rsa.generate_private_key(65537, 2048)
        self.keys: dict[str, list[bytes]] = {}
        self.disabled: set[str] = set()

    def rotate(self, name: str) -> None:
        """Make a key, or its next version."""
        self.keys.setdefault(name, []).append(AESGCM.generate_key(256))

    def credentials(self, **changed: str) -> str:
        """A service account's JSON file."""
        private = self.account.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return json.dumps(
            {
                "type": "service_account",
                "project_id": "p",
                "private_key_id": "1",
                "private_key": private.decode(),
                "client_email": "seal@p.iam.gserviceaccount.com",
                "token_uri": "https://127.0.0.1:9/token",
                **changed,
            }
        )

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        token = headers.get("authorization", "").removeprefix("Bearer ")
        try:
            jwt.decode(token, self.account.public_key(), algorithms=["RS256"], options={"verify_aud": False})
        except jwt.PyJWTError:
            return self._failed(401, "UNAUTHENTICATED")
        name, _, verb = path.removeprefix("/v1/").partition(":")
        versions = self.keys.get(name)
        if versions is None:
            return self._failed(404, "NOT_FOUND")
        if name in self.disabled:
            return self._failed(400, "FAILED_PRECONDITION")
        asked = json.loads(body)
        bound = base64.b64decode(asked["additionalAuthenticatedData"])
        if verb == "encrypt":
            nonce = secrets.token_bytes(12)
            sealed = AESGCM(versions[-1]).encrypt(nonce, base64.b64decode(asked["plaintext"]), bound)
            made = bytes([len(versions)]) + nonce + sealed
            version = f"{name}/cryptoKeyVersions/{len(versions)}"
            return 200, {"name": version, "ciphertext": base64.b64encode(made).decode()}, {}
        given = base64.b64decode(asked["ciphertext"])
        try:
            key = versions[given[0] - 1]
            plain = AESGCM(key).decrypt(given[1:13], given[13:], bound)
        except (IndexError, InvalidTag):
            return self._failed(400, "INVALID_ARGUMENT")
        return 200, {"plaintext": base64.b64encode(plain).decode()}, {}

    def _failed(self, code: int, status: str) -> Answer:
        return code, {"error": {"code": code, "status": status, "message": "refused"}}, {}


class AzureVault(Cloud):
    """Key operations of Key Vault, and the token endpoint of the login that it sends to."""

    def __init__(self, secret: str) -> None:
        super().__init__()
        self.secret = secret
        self.tokens: set[str] = set()
        self.keys: dict[str, dict[str, rsa.RSAPrivateKey]] = {}
        self.address = ""
        self.may_get = True

    def rotate(self, name: str) -> None:
        """Make a key, or its next version."""
        self.keys.setdefault(name, {})[secrets.token_hex(16)] = rsa.generate_private_key(65537, 2048)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if path.endswith("/oauth2/v2.0/token"):
            return self._login(body)
        if path.endswith("/openid-configuration"):
            return 200, self._configuration(path), {}
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            # The client insists that the resource is a parent domain of the vault's: of 127.0.0.1 this is one.
            challenge = f'Bearer authorization="{self.address}/tenant", resource="https://0.0.1"'
            port = self.address.rpartition(":")[2]
            return 401, {}, {"WWW-Authenticate": challenge.replace("0.0.1", f"0.0.1:{port}")}
        return self._key(path.strip("/").split("/"), body)

    def _configuration(self, path: str) -> dict[str, str]:
        base = f"{self.address}/tenant"
        return {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
        }

    def _login(self, body: bytes) -> Answer:
        form = parse_qs(body.decode())
        if form.get("client_secret") != [self.secret]:
            return 401, {"error": "invalid_client", "error_description": "wrong secret"}, {}
        token = secrets.token_hex(16)
        self.tokens.add(token)
        return 200, {"token_type": "Bearer", "expires_in": 3600, "access_token": token}, {}

    def _key(self, parts: list[str], body: bytes) -> Answer:
        """`keys/NAME`, `keys/NAME/VERSION`, `keys/NAME/VERSION/wrapkey` or `unwrapkey`."""
        versions = self.keys.get(parts[1])
        if versions is None:
            return 404, {"error": {"code": "KeyNotFound", "message": "no such key"}}, {}
        version = parts[2] if len(parts) > 2 and parts[2] in versions else list(versions)[-1]
        name = f"{self.address}/keys/{parts[1]}/{version}"
        if parts[-1] not in ("wrapkey", "unwrapkey"):
            if not self.may_get:
                return 403, {"error": {"code": "Forbidden", "message": "get is not allowed"}}, {}
            numbers = versions[version].public_key().public_numbers()
            n, e = (unpadded(part.to_bytes((part.bit_length() + 7) // 8)) for part in (numbers.n, numbers.e))
            shown = {"kid": name, "kty": "RSA", "key_ops": ["wrapKey", "unwrapKey"], "n": n, "e": e}
            return 200, {"key": shown, "attributes": {"enabled": True}}, {}
        value = padded(json.loads(body)["value"])
        try:
            key = versions[version]
            made = (
                key.decrypt(value, OAEP)
                if parts[-1] == "unwrapkey"
                else key.public_key().encrypt(value, OAEP)
            )
        except ValueError:
            return 400, {"error": {"code": "BadParameter", "message": "it does not decrypt"}}, {}
        return 200, {"kid": name, "value": unpadded(made)}, {}
