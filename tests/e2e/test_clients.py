"""What clients that stay connected notice of changes: longer waits, and nothing lost."""

from collections.abc import Callable

import pytest

from tests.e2e.clusters import NEW, NEXT, Cluster
from tests.e2e.traffic import asking

Apply = Callable[..., Cluster]
pytestmark = pytest.mark.usefixtures("reaches_pods")


def test_an_upgrade_loses_no_acknowledged_request(cluster: Apply) -> None:
    """Every question gets its reply while all three servers are replaced, one by one."""
    found = cluster("a", size=3, version=NEW, lameDuckDurationSeconds=30).ready()
    before = found.uids()
    with asking(found) as requests:
        found.patch(version=NEXT)
        found.ready(240).meshed(3, NEXT)
    assert not set(before.items()) & set(found.uids().items())
    assert len(requests.replied) > 100
    requests.check(longest=10)


def test_the_other_servers_serve_while_one_does_not_come_back(cluster: Apply) -> None:
    """An upgrade to a version that does not exist; and back."""
    found = cluster("a", size=3, version=NEW, lameDuckDurationSeconds=30).ready()
    with asking(found) as requests:
        found.patch(version="2.14.99")
        found.until_condition("Degraded", "True", "a-3", "2.14.99", seconds=90)
        stuck = len(requests.replied)
        found.until_condition("Progressing", "True", "restarting a-2, a-1", "waiting: a-3")
        found.patch(version=NEW)
        found.ready().meshed(3, NEW)
        assert len(requests.replied) > stuck
    requests.check(longest=10)
