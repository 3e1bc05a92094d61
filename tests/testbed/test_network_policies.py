"""NetworkPolicies are enforced while they are asked to be, and everything is open again then."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from testbed import components, layout, namespaces, network_policies, processes
from tests.testbed import machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.layout import Testbed

pytestmark = pytest.mark.testbed

TRACES = "iptables-save | grep -i kube-router || ipset list -name | grep -i kube-"


@pytest.fixture(scope="module")
def place() -> Iterator[Testbed]:
    network_policies.prepare()
    testbed = layout.Testbed(f"test-{os.getpid()}-np")
    machine.done("up", testbed)
    try:
        yield testbed
    finally:
        machine.done("down", testbed)


def traces(testbed: Testbed) -> bool:
    """Whether anything of it is in the node's firewall."""
    try:
        namespaces.run(testbed, "node1", f"({TRACES}) >/dev/null")
    except layout.TestbedError:
        return False
    return True


def test_it_leaves_nothing_behind(place: Testbed) -> None:
    assert not traces(place)
    with network_policies.enforced(place):
        assert traces(place)
        assert processes.alive(place, "node1-kube-router")
    assert not traces(place)
    machine.done("status", place)


def test_one_left_behind_is_ended(place: Testbed) -> None:
    """As after a test that was killed: the next one starts afresh."""
    left = network_policies.enforced(place)
    left.__enter__()
    before = processes.recorded(place, "node1-kube-router")
    with network_policies.enforced(place):
        assert before is not None
        assert not before.alive()
    with pytest.raises(layout.TestbedError, match="kube-router ended"):
        left.__exit__(None, None, None)
    machine.done("status", place)


def test_it_is_built_only_for_who_asks() -> None:
    assert "kube-router" not in components.BY_NAME
    assert components.BY_PROGRAM["kube-router"].module == "kube-router"
