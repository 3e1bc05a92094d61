"""A real cert-manager issues the certificates of the example, and leaves with its CRDs."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from natsctl.api.schema.crds import crds_yaml
from natsctl.plan.inputs import certificates
from testbed import cert_manager, components, layout, processes
from tests.testbed import machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.layout import Testbed

pytestmark = pytest.mark.testbed

EXAMPLE = machine.ROOT / "examples" / "tls-cert-manager.yaml"
FILES = ["ca.crt", "tls.crt", "tls.key"]
ESTABLISHED = '--for=jsonpath={.status.conditions[?(@.type=="Established")].status}=True'
SECRETS = ("nats-server-tls", "nats-routes-tls")


@pytest.fixture(scope="module")
def place() -> Iterator[Testbed]:
    """A control plane that has the namespace and natsctl's CRDs, as users have."""
    cert_manager.prepare()
    testbed = layout.Testbed(f"test-{os.getpid()}-cm")
    machine.done("up", testbed, "--control-plane-only")
    try:
        machine.kubectl(testbed, "create", "namespace", "nats-io")
        apply(testbed, crds_yaml())
        for crd in ("natsclusters", "natsserviceroles"):
            wait(testbed, ESTABLISHED, f"crd/{crd}.nats.io")
        yield testbed
    finally:
        machine.done("down", testbed)


def apply(testbed: Testbed, manifests: str) -> None:
    argv = [*machine.command("exec", testbed), "--", "kubectl", "apply", "-f", "-"]
    answer = subprocess.run(
        argv, input=manifests, capture_output=True, text=True, check=False, cwd=machine.ROOT
    )
    assert answer.returncode == 0, answer.stderr


def wait(testbed: Testbed, condition: str, *subjects: str) -> None:
    arguments = (condition, *subjects, "--namespace=nats-io", "--timeout=60s")
    machine.kubectl(testbed, "wait", *arguments)


def secret(testbed: Testbed, name: str) -> dict[str, bytes]:
    found = machine.kubectl(testbed, "get", "secret", name, "--namespace=nats-io", "-o", "json")
    return {key: base64.b64decode(value) for key, value in json.loads(found)["data"].items()}


def installed(testbed: Testbed) -> list[str]:
    """cert-manager's CRDs."""
    names = machine.kubectl(testbed, "get", "crd", "-o", "name").splitlines()
    return [name for name in names if "cert-manager.io" in name]


def test_the_example_ends_in_secrets_that_serve_clients_and_routes(place: Testbed) -> None:
    with cert_manager.running(place) as process:
        apply(place, EXAMPLE.read_text())
        wait(place, "--for=condition=Ready", *(f"certificate/{name}" for name in SECRETS))
        issued = {name: secret(place, name) for name in SECRETS}
        assert len(installed(place)) == 6
        machine.done("status", place)

    assert not process.alive()
    assert installed(place) == []
    machine.done("status", place)
    read = {}
    for name, files in issued.items():
        assert sorted(files) == FILES
        read[name] = certificates.inspect(files["tls.crt"], files["tls.key"], files["ca.crt"])
        assert read[name].problem == ""
        assert secret(place, name) == files, "Secrets outlive cert-manager"
    assert issued["nats-server-tls"]["ca.crt"] == issued["nats-routes-tls"]["ca.crt"]
    assert "nats.nats-io.svc" in read["nats-server-tls"].dns_names
    assert read["nats-server-tls"].server_auth
    server = "nats-1.nats-mgmt.nats-io.svc"
    assert certificates.route_problem(read["nats-routes-tls"], server) == ""


def test_one_left_behind_is_ended(place: Testbed) -> None:
    """As after a test that was killed: the next one starts afresh."""
    left = cert_manager.running(place)
    before = left.__enter__()
    with cert_manager.running(place) as process:
        assert not before.alive()
        assert process.alive()


def test_an_early_end_is_an_error_that_shows_the_log(place: Testbed) -> None:
    says = r"cert-manager ended\n--- the end of .*/cert-manager\.log"
    with pytest.raises(layout.TestbedError, match=says):
        killed_while_it_runs(place)
    assert installed(place) == []


def killed_while_it_runs(testbed: Testbed) -> None:
    with cert_manager.running(testbed) as process:
        os.kill(process.pid, signal.SIGKILL)
        processes.wait_until(lambda: not process.alive(), "it to end")


def test_no_testbed_builds_it_to_start() -> None:
    assert "cert-manager" not in components.BY_NAME
    assert components.BY_PROGRAM["cert-manager"].module == "cert-manager"
