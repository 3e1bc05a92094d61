"""Up in parallel, down one at a time from the highest index, and back on the way."""

from collections.abc import Callable

from tests.e2e.clusters import NEW, Cluster
from tests.e2e.kubectl import Kubectl, until

Apply = Callable[..., Cluster]
SHARE = {"resources": {"requests": {"cpu": "150m"}}}
"""Of the processors, for servers whose end is looked at (docs/operations.md, Upgrade)."""


def says_farewell(*logs: list[str]) -> bool:
    """Whether servers that left entered lame duck mode before: one of them at least.

    nats-server takes that signal up in the background. One that gets no processor until the
    kubelet's SIGTERM is there too ends at once instead.
    """
    return any("lame duck" in line for log in logs for line in log)


def test_three_to_five_to_three(cluster: Apply, namespace: Kubectl) -> None:
    """The servers of the beginning are never touched; the highest index leaves first."""
    found = cluster("a", size=3, version=NEW, pod=SHARE).ready()
    first = found.uids()
    with found.history() as history:
        namespace("scale", "nats/a", "--replicas", "5")
        found.ready().meshed(5, NEW)
        assert history.removed() == []
        with found.logs("a-4") as four, found.logs("a-5") as five:
            found.patch(size=3)
            found.ready().meshed(3, NEW)
        assert history.removed() == ["a-5", "a-4"]
        assert found.uids() == first
        # a-4 is asked to go only when a-5 is gone: never two at a time.
        asked = [(s.type, s.name) for s in history.sights if s.leaving or s.type == "DELETED"]
        assert asked.index(("DELETED", "a-5")) < asked.index(("MODIFIED", "a-4"))
    assert says_farewell(four, five), "\n".join(four + five)


def test_to_one_with_a_version_of_old(cluster: Apply) -> None:
    """Servers 3 and 2 leave in this order and say that they enter lame duck mode."""
    found = cluster("a", size=3, version="2.9.25", pod=SHARE).ready()
    with found.history() as history:
        with found.logs("a-3") as three, found.logs("a-2") as two:
            found.patch(size=1)
            found.ready().meshed(1, "2.9.25")
        assert history.removed() == ["a-3", "a-2"]
    assert says_farewell(three, two), "\n".join(three + two)


def test_to_nothing_and_back(cluster: Apply) -> None:
    """Size 0 is a cluster without servers; its Services stay."""
    found = cluster("a", size=1, version=NEW).ready()
    found.patch(size=0)
    until("no pod is left", lambda: not found.pods())
    found.ready()
    assert found.status()["readyReplicas"] == 0
    assert "service/a" in found.remains()
    found.patch(size=1)
    found.ready().meshed(1, NEW)


def test_a_change_of_mind_ends_where_the_spec_says(cluster: Apply) -> None:
    """Down while going up, and up again while going down."""
    found = cluster("a", size=1, version=NEW).ready()
    found.patch(size=5)
    until("a-5 is there", lambda: "a-5" in found.uids())
    found.patch(size=2)
    until("the first leaves", lambda: len(found.uids()) < 5)
    found.patch(size=4)
    found.ready().meshed(4, NEW)


def test_what_is_paused_stays_as_it_is(cluster: Apply, namespace: Kubectl) -> None:
    """Neither the size nor a deleted Service; everything once it goes on."""
    found = cluster("a", size=1, version=NEW).ready()
    found.patch(paused=True)
    found.until_condition("Progressing", "False", "spec.paused", reason="Paused")
    assert found.status()["phase"] == "Paused"
    before = found.uids()
    found.patch(size=2, version="2.14.10")
    namespace("delete", "service", "a")
    found.until_condition("Progressing", "False", reason="Paused")
    until(
        "the server says that it waits",
        lambda: "spec.paused" in found.status()["servers"][0]["message"],
    )
    assert found.uids() == before
    assert "service/a" not in found.remains()
    found.patch(paused=False)
    found.ready().meshed(2, "2.14.10")
    assert "service/a" in found.remains()
