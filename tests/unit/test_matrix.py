"""Which releases of nats-server and of Kubernetes the tests run on."""

from __future__ import annotations

from pathlib import Path

import pytest

from natsctl.api.version import DEFAULT_VERSION
from testbed import components
from tests.matrix import runs
from tests.server import servers

ROOT = Path(__file__).parents[2]
PROCEDURE = ("2.9.25", "2.15.3")


def test_servers_are_tested_in_every_release_that_is_built() -> None:
    assert servers.VERSIONS == components.NATS_SERVERS
    assert {"2.14.10", "2.15.3"} <= set(components.NATS_SERVERS)


def test_a_new_cluster_gets_the_newest_of_them() -> None:
    assert components.NATS_SERVERS[-1] == DEFAULT_VERSION


def test_the_matrix_runs_the_api_on_the_oldest_the_newest_and_the_usual_kubernetes() -> None:
    told = [run.told for run in runs() if run.target == "integration"]
    every = (components.KUBERNETES, *components.API_SERVERS)
    assert [each["NATSCTL_API_SERVER"] for each in told] == list(every)
    minors = sorted(int(version.split(".")[1]) for version in every)
    assert minors[0] < int(components.KUBERNETES.split(".")[1]) < minors[-1]


def test_and_procedures_on_every_release_from_the_first_that_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (run,) = [run for run in runs() if run.target == "server"]
    monkeypatch.delenv(servers.MATRIX, raising=False)
    assert servers.those(*PROCEDURE) == PROCEDURE
    for name, value in run.told.items():
        monkeypatch.setenv(name, value)
    first = components.NATS_SERVERS.index(PROCEDURE[0])
    assert servers.those(*PROCEDURE) == components.NATS_SERVERS[first:]


@pytest.mark.parametrize("version", [components.KUBERNETES, *components.API_SERVERS])
@pytest.mark.parametrize("document", ["install.md", "development.md"])
def test_documents_name_the_kubernetes_that_it_runs_on(document: str, version: str) -> None:
    assert version.rpartition(".")[0] in (ROOT / "docs" / document).read_text()
