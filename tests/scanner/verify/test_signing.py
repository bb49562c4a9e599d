"""Request signatures against published examples and real verification."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from strongroom.errors import InvalidRequest
from strongroom.scanner.verify import signing
from strongroom.scanner.verify.fill import Request


def test_aws_published_example() -> None:
    """AWS General Reference: GET ListUsers of IAM, 20150830T123600Z."""
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = Request("GET", "iam.amazonaws.com", 443, "/?Action=ListUsers&Version=2010-05-08", headers, b"")
    values = {"key_id": "AKIDEXAMPLE", "secret": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
    signed = signing.aws_sigv4(request, values, now=1440938160)
    assert signed.headers["X-Amz-Date"] == "20150830T123600Z"
    assert signed.headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


def test_a_session_token_is_signed() -> None:
    request = Request("POST", "sts.us-east-1.amazonaws.com", 443, "/", {}, b"Action=GetCallerIdentity")
    values = {"key_id": "ASIAY34FZKBOKMUTVV7A", "secret": "x" * 40, "session": "token"}
    signed = signing.aws_sigv4(request, values, now=1440938160)
    assert "x-amz-security-token" in signed.headers["Authorization"]
    assert "/us-east-1/sts/aws4_request" in signed.headers["Authorization"]


def test_a_google_key_proves_itself() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    request = Request("POST", "oauth2.googleapis.com", 443, "/token", {}, b"grant_type=x")
    values = {"secret": pem.replace("\n", "\\n"), "email": "ci@acme.iam.gserviceaccount.com"}
    body = signing.google_jwt(request, values, now=1440938160).body
    head, claims, signature = body.split(b"&assertion=")[1].split(b".")
    key.public_key().verify(_raw(signature), head + b"." + claims, padding.PKCS1v15(), hashes.SHA256())
    told = json.loads(_raw(claims))
    assert told["iss"] == "ci@acme.iam.gserviceaccount.com"
    assert told["aud"] == "https://oauth2.googleapis.com/token"
    assert told["exp"] - told["iat"] == 60


def _raw(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def test_azure_storage_is_signed_over_its_account_and_query() -> None:
    request = Request("GET", "acme.blob.core.windows.net", 443, "/?comp=list&maxresults=1", {}, b"")
    key = base64.b64encode(b"k" * 64).decode()
    one = signing.azure_shared_key(request, {"account": "acme", "secret": key}, now=1440938160)
    other = signing.azure_shared_key(
        request._replace(target="/?comp=list&maxresults=2"),
        {"account": "acme", "secret": key},
        now=1440938160,
    )
    assert one.headers["x-ms-date"] == "Sun, 30 Aug 2015 12:36:00 GMT"
    assert one.headers["Authorization"].startswith("SharedKey acme:")
    assert one.headers["Authorization"] != other.headers["Authorization"]


@pytest.mark.parametrize(
    ("scheme", "values"),
    [
        ("aws_sigv4", {"secret": "x"}),
        ("google_jwt", {"secret": "no key", "email": "a@b"}),
        ("azure_shared_key", {"secret": "no base64!", "account": "acme"}),
    ],
)
def test_what_cannot_be_signed_is_refused_without_the_value(scheme: str, values: dict[str, str]) -> None:
    request = Request("GET", "sts.us-east-1.amazonaws.com", 443, "/", {}, b"")
    with pytest.raises(InvalidRequest) as refused:
        signing.SCHEMES[scheme](request, values)
    assert values["secret"] not in str(refused.value).split()
