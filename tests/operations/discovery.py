"""What `kubectl` asks a cluster before a dry run: which kinds of objects it knows, and whether one is there.

Source: the Kubernetes API's discovery documents (APIVersions, APIGroupList, APIResourceList) and Status.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KINDS = {
    "v1": {"configmaps": "ConfigMap", "services": "Service", "serviceaccounts": "ServiceAccount"},
    "apps/v1": {"statefulsets": "StatefulSet"},
    "policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
    "networking.k8s.io/v1": {"networkpolicies": "NetworkPolicy"},
    "monitoring.coreos.com/v1": {"servicemonitors": "ServiceMonitor"},
}
NOT_FOUND = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}


def answer(path: str) -> dict[str, Any]:
    """The document at a path; a cluster that has no object yet."""
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": list(map(_group, sorted(KINDS)[:-1]))}
    version = path.removeprefix("/apis/").removeprefix("/api/")
    if version not in KINDS:
        return NOT_FOUND
    return {
        "kind": "APIResourceList",
        "groupVersion": version,
        "resources": [
            {
                "name": name,
                "kind": kind,
                "namespaced": True,
                "singularName": "",
                "verbs": ["get", "create", "patch"],
            }
            for name, kind in KINDS[version].items()
        ],
    }


def _group(version: str) -> dict[str, Any]:
    named = {"groupVersion": version, "version": version.partition("/")[2]}
    return {"name": version.partition("/")[0], "versions": [named], "preferredVersion": named}


@contextmanager
def cluster() -> Iterator[tuple[str, list[str]]]:
    """Its address, and what was asked of it besides GET."""
    changes: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answer(self.path.partition("?")[0])
            text = json.dumps(body).encode()
            self.send_response(404 if body is NOT_FOUND else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def _changed(self) -> None:
            changes.append(f"{self.command} {self.path}")
            self.send_error(405)

        do_POST = do_PUT = do_PATCH = do_DELETE = _changed  # noqa: N815 (the names that http.server calls)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", changes
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
