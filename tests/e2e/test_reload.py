"""What reaches running servers without a restart, and what takes one."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.e2e.certificates import Authority
from tests.e2e.client import user
from tests.e2e.clusters import NEW, NEXT, Cluster
from tests.e2e.kubectl import Kubectl, until
from tests.e2e.traffic import asking

Apply = Callable[..., Cluster]
START = 10.0
"""Seconds in which a kubelet looks after the files of a pod that it started: later once a minute,
as with any server that has run for a while."""


@pytest.mark.usefixtures("reaches_pods")
@pytest.mark.parametrize("version", ["2.10.29", NEW, NEXT])
def test_a_setting_is_reloaded(cluster: Apply, version: str) -> None:
    """No server is restarted, no client disturbed, and the event says which field it was."""
    found = cluster("a", size=3, version=version).ready()
    before = found.uids()
    with asking(found) as requests:
        time.sleep(START)
        found.patch(natsConfig={"maxPayload": 2048, "debug": True})
        found.ready(90)
        assert {found.monitoring(pod, "varz")["max_payload"] for pod in before} == {2048}
    requests.check(longest=2)
    assert found.uids() == before
    messages = found.kubectl("get", "events", "-o", "jsonpath={.items[*].message}")
    assert "spec.natsConfig.debug, spec.natsConfig.maxPayload changed" in messages


def test_what_cannot_be_reloaded_restarts(cluster: Apply) -> None:
    """One server after the other, and the status says why."""
    found = cluster("a", size=2, version=NEXT, lameDuckDurationSeconds=30).ready()
    before = found.uids()
    found.patch(natsConfig={"maxPending": 1048576})
    found.until_condition("Progressing", "True", "spec.natsConfig.maxPending", reason="Rolling")
    until("both are replaced", lambda: not set(found.uids().values()) & set(before.values()), 120)
    found.ready(120)


def test_nothing_but_meaning_counts(cluster: Apply) -> None:
    """Values that say what was so before leave the servers, and their configuration, alone."""
    found = cluster("a", size=1, version=NEXT, natsConfig={"maxPayload": 4096}).ready()
    before, loaded = found.uids(), found.monitoring("a-1", "varz")["config_load_time"]
    found.patch(natsConfig={"debug": False, "trace": False}, noAdvertise=False, extraRoutes=[])
    found.ready()
    assert found.uids() == before
    assert found.monitoring("a-1", "varz")["config_load_time"] == loaded


@pytest.mark.usefixtures("reaches_pods")
def test_a_refused_configuration_is_withdrawn(cluster: Apply, namespace: Kubectl) -> None:
    """It is told in the server's words, and does not wait for the next restart."""
    ca = Authority()
    namespace.apply(ca.for_clients("a", namespace.namespace))
    tls = {"serverSecret": "clients-tls"}
    found = cluster("a", size=2, version=NEXT, tls=tls, lameDuckDurationSeconds=30).ready()
    before = found.uids()
    found.patch(tls={"serverSecretCertFileName": "/nowhere/server.pem"})
    found.until_condition("ConfigAccepted", "False", "/nowhere/server.pem", reason="ReloadRefused")
    assert found.uids() == before
    namespace("delete", "pod", "a-1", "--wait=false", "--grace-period=1")
    found.until_replaced("a-1", before["a-1"])
    until("a-1 serves again", lambda: user(found, "a-1", tls=ca.context()).gets_in(), 60)
    found.patch(tls={"serverSecretCertFileName": None})
    found.until_condition("ConfigAccepted", "True")
    found.ready()
    assert found.uids()["a-2"] == before["a-2"]


def test_more_servers_are_told_to_those_that_run(cluster: Apply) -> None:
    """The routes of the new size are loaded without a restart."""
    found = cluster("a", size=1, version=NEXT).ready()
    uid, loaded = found.uids()["a-1"], found.monitoring("a-1", "varz")["config_load_time"]
    found.patch(size=3)
    found.ready(90).meshed(3, NEXT)
    assert found.uids()["a-1"] == uid
    assert found.monitoring("a-1", "varz")["config_load_time"] > loaded
