"""Vault's JSON envelope, made in one place for the edge and for wrapping."""

from typing import Any

import msgspec

from strongroom.clock import rfc3339
from strongroom.framework.response import Auth, Response, WrapInfo

_encoder = msgspec.json.Encoder(order=None)


def envelope(response: Response) -> dict[str, Any]:
    """The members Vault's clients expect, in Vault's order."""
    lease = response.lease
    return {
        "request_id": response.request_id,
        "lease_id": lease.id if lease else "",
        "renewable": lease.renewable if lease else False,
        "lease_duration": lease.ttl if lease else response.ttl,
        "data": msgspec.Raw(response.encoded) if response.encoded else response.data,
        "wrap_info": _wrap(response.wrap) if response.wrap else None,
        "warnings": list(response.warnings) or None,
        "auth": _auth(response.auth) if response.auth else None,
        "mount_type": response.mount_type,
    }


def encoded(response: Response) -> bytes:
    """The envelope as JSON."""
    return _encoder.encode(envelope(response))


def _auth(auth: Auth) -> dict[str, Any]:
    return {
        "client_token": auth.client_token.reveal() if auth.client_token else "",
        "accessor": auth.accessor,
        "policies": auth.policies,
        "token_policies": auth.policies,
        "metadata": auth.metadata or None,
        "lease_duration": auth.lease_duration,
        "renewable": auth.renewable,
        "entity_id": auth.entity_id,
        "token_type": auth.token_type,
        "orphan": auth.orphan,
        "mfa_requirement": None,
        "num_uses": auth.num_uses,
    }


def _wrap(wrap: WrapInfo) -> dict[str, Any]:
    return {
        "token": wrap.token.reveal(),
        "accessor": wrap.accessor,
        "ttl": wrap.ttl,
        "creation_time": rfc3339(wrap.creation_time),
        "creation_path": wrap.creation_path,
        **({"wrapped_accessor": wrap.wrapped_accessor} if wrap.wrapped_accessor else {}),
    }
