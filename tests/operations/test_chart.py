"""The Helm chart, rendered by Helm: valid for old and new Kubernetes, taken by kubectl, hardened, for this server."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from strongroom.cli import VERSION
from strongroom.server.config import Config, load
from tests.conftest import KUBERNETES, TOOLS
from tests.operations.discovery import cluster

pytestmark = [pytest.mark.component("helm"), pytest.mark.slow]

ROOT = Path(__file__).parent.parent.parent
CHART = ROOT / "deploy/helm/strongroom"
OLDEST, NEWEST = "1.25", "1.37"
TLS = {"tls": {"secretName": "vault-tls"}}
SHARED = {
    **TLS,
    "replicas": 3,
    "storage": {"url": "postgresql://strongroom@one,two/strongroom", "passwordSecret": "database"},
    "config": "[limits]\nconnections = 900\n",
    "volume": {"storageClass": "fast"},
    "networkPolicy": {
        "from": [{"namespaceSelector": {}}],
        "egress": [{"ports": [{"port": 5432, "protocol": "TCP"}]}],
    },
    "serviceMonitor": {"enabled": True, "tokenSecret": "metrics"},
    "serviceAccount": {"annotations": {"example.org/role": "vault"}},
    "podAnnotations": {"example.org/a": "b"},
    "imagePullSecrets": [{"name": "pull"}],
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "vault", "operator": "Exists"}],
    "affinity": {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/hostname", "labelSelector": {}}
            ]
        }
    },
}


def _render(values: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    command = [
        str(KUBERNETES / "helm"),
        "template",
        "vault",
        str(CHART),
        "--namespace",
        "prod",
        "--values",
        "-",
    ]
    return subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)


def _objects(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Objects by kind and name, each of them valid."""
    made = _render(values)
    assert made.returncode == 0, made.stderr
    checked = subprocess.run(
        [TOOLS / "bin/python", Path(__file__).parent / "validate_objects.py", OLDEST, NEWEST],
        input=made.stdout,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(KUBERNETES / "python")},
    )
    assert checked.returncode == 0, checked.stderr
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in json.loads(checked.stdout)}


@pytest.fixture(scope="module")
def single() -> dict[str, dict[str, Any]]:
    return _objects(TLS)


@pytest.fixture(scope="module")
def shared() -> dict[str, dict[str, Any]]:
    return _objects(SHARED)


def _config(objects: dict[str, dict[str, Any]], directory: Path) -> Config:
    file = directory / "strongroom.toml"
    file.write_text(objects["ConfigMap/vault-strongroom"]["data"]["strongroom.toml"])
    return load(file, {})


def test_one_server_and_many_have_the_objects_they_need(
    single: dict[str, Any], shared: dict[str, Any]
) -> None:
    assert set(shared) - set(single) == {"ServiceMonitor/vault-strongroom"}
    assert {name.split("/")[0] for name in single} == {
        "ConfigMap", "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount", "StatefulSet",
    }  # fmt: skip


def test_the_configuration_is_one_that_this_release_reads(
    single: dict[str, Any], shared: dict[str, Any], tmp_path: Path
) -> None:
    assert _config(single, tmp_path).storage.kind == "sqlite"
    config = _config(shared, tmp_path)
    assert (config.storage.kind, config.limits.connections) == ("postgresql", 900)
    assert config.storage.url == SHARED["storage"]["url"]  # type: ignore[index]  # a table, above


def test_every_file_that_the_server_needs_is_mounted(shared: dict[str, Any], tmp_path: Path) -> None:
    config, pod = (
        _config(shared, tmp_path),
        shared["StatefulSet/vault-strongroom"]["spec"]["template"]["spec"],
    )
    (container,) = pod["containers"]
    mounted = {one["mountPath"]: one for one in container["volumeMounts"]}
    needed = [config.tls_cert, config.tls_key, config.storage.password_file, container["args"][-1]]
    assert all(mounted[str(Path(path).parent)]["readOnly"] for path in needed)
    assert str(Path(config.data).parent) in mounted


def test_the_pod_has_few_rights_and_time_to_drain(single: dict[str, Any]) -> None:
    pod = single["StatefulSet/vault-strongroom"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["terminationGracePeriodSeconds"] > 20
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["image"].endswith(f":{VERSION}")


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "tls.secretName is required"),
        ({**TLS, "replicas": 2}, "more than one server needs storage.url"),
        ({**TLS, "serviceMonitor": {"enabled": True}}, "serviceMonitor.tokenSecret is required"),
    ],
)
def test_what_cannot_work_is_refused_when_rendered(values: dict[str, Any], why: str) -> None:
    made = _render(values)
    assert made.returncode == 1
    assert why in made.stderr


def test_what_can_be_left_out_is() -> None:
    less = _objects({**TLS, "networkPolicy": {"enabled": False}, "podDisruptionBudget": {"enabled": False}})
    assert not [name for name in less if name.startswith(("NetworkPolicy", "PodDisruptionBudget"))]


def test_helm_finds_nothing_to_complain_of() -> None:
    command = [str(KUBERNETES / "helm"), "lint", "--strict", str(CHART), "--set", "tls.secretName=vault-tls"]
    linted = subprocess.run(command, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize("values", [TLS, SHARED], ids=["one", "many"])
def test_kubectl_would_create_every_object(values: dict[str, Any], tmp_path: Path) -> None:
    """`--dry-run=client` reads each object as its kind and sends none; schemas are checked above."""
    rendered = _render(values).stdout
    with cluster() as (address, changes):
        options = ["--server", address, "--kubeconfig", "/dev/null", "--cache-dir", str(tmp_path)]
        applied = subprocess.run(
            [KUBERNETES / "kubectl", *options, "apply", "--dry-run=client", "--validate=false", "-f", "-"],
            input=rendered,
            capture_output=True,
            text=True,
            check=False,
            env={"HOME": str(tmp_path)},
        )
    assert (applied.returncode, applied.stderr) == (0, "")
    lines = applied.stdout.splitlines()
    assert len(lines) == rendered.count("\nkind: ")
    assert all(line.endswith(" created (dry run)") for line in lines)
    assert changes == []


def test_the_chart_is_of_this_release() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)
