"""The process may die at any write, and starts again with empty memory: nothing else comes of it.

Each story is told once without a crash. Then the process dies before each of its writes, and after
each of them with the answer lost; and the next one, which knows nothing, has to come to the same
end, delete nothing more, and write nothing once it is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from natsctl.model import names
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.crashes import CLUSTER, Story, at_rest, crashes, is_ready, running, tell
from tests.unit.simulated.go_operator import go_objects, running_at
from tests.unit.simulated.process import SETTINGS, installed, virtual_clock

pytestmark = pytest.mark.looptime(noop_cycles=1)  # all that is waited for is in the loop

OWNED = ("Pod", "Service", "Secret", "NetworkPolicy", "NatsCluster")
SPEC = {"size": 3, "version": "2.11.4"}


def cluster(spec: dict[str, Any]) -> dict[str, Any]:
    """A NatsCluster as a user writes it."""
    meta = {"name": "c", "namespace": "ns"}
    return {"apiVersion": names.API_VERSION, "kind": "NatsCluster", "metadata": meta, "spec": spec}


async def nothing() -> ApiServer:
    """No cluster yet."""
    return installed()


async def three_servers() -> ApiServer:
    """A cluster at rest."""
    api = installed()
    api.add(cluster(SPEC))
    async with running(api) as process:
        await at_rest(api, process, is_ready)
    return api


async def of_another_installation() -> ApiServer:
    """A cluster of an installation that is gone, whose servers know another operator's user."""
    api = installed()
    api.add(cluster(SPEC))
    async with running(api, settings=attrs.evolve(SETTINGS, namespace="other")) as process:
        await at_rest(api, process, is_ready)
    api.remove(("Lease", "other", "nats-operator"))
    return api


async def of_the_go_operator() -> ApiServer:
    """Objects as the Go operator leaves them."""
    api = installed()
    owner = api.add({**cluster({"size": 2, "version": "2.9.25"}), "status": {"size": 2}})
    for item in go_objects(owner["metadata"]["uid"]):
        api.add(item)
    for index in "12":
        api.edit(("Pod", "ns", f"c-{index}"), {"status": running_at(f"10.0.0.{index}")})
    return api


def creates(api: ApiServer) -> None:
    """The user creates a cluster."""
    api.add(cluster(SPEC))


def deletes(api: ApiServer) -> None:
    """The user deletes the cluster."""
    api.delete(CLUSTER)


def does_nothing(_: ApiServer) -> None:
    """The process finds what there is."""


def changes(**spec: Any) -> Callable[[ApiServer], None]:
    """The user changes the spec."""

    def act(api: ApiServer) -> None:
        api.edit(CLUSTER, {"spec": spec})

    return act


def is_gone(api: ApiServer) -> bool:
    """Whether nothing of the cluster is left."""
    return not any(where[2].startswith("c") for where in api.objects if where[0] in OWNED)


def is_taken_over(api: ApiServer) -> bool:
    """Whether this installation manages the cluster, and it is what its spec says."""
    status = api.objects[CLUSTER].get("status") or {}
    return status.get("operator") == SETTINGS.installation and is_ready(api)


STORIES = {
    "create": Story(nothing, creates, is_ready),
    "scale up": Story(three_servers, changes(size=5), is_ready, serving=3),
    "scale down": Story(three_servers, changes(size=1), is_ready, serving=1),
    "roll": Story(three_servers, changes(version="2.11.5"), is_ready, serving=2),
    "reload": Story(three_servers, changes(natsConfig={"debug": True}), is_ready, serving=3),
    "delete": Story(three_servers, deletes, is_gone, away=3),
    "take over from another installation": Story(
        of_another_installation, does_nothing, is_taken_over, serving=2, early=True
    ),
    "take over from the Go operator": Story(
        of_the_go_operator, changes(version="2.11.5"), is_taken_over, serving=1, early=True
    ),
}


@pytest.mark.parametrize("name", STORIES)
async def test_a_crash_changes_nothing(name: str) -> None:
    story = STORIES[name]
    with virtual_clock():
        start = await story.begin()
        usual = await tell(story, start)
        for crash in (None, *crashes(usual)):
            end = usual if crash is None else await tell(story, start, crash)
            assert end.objects == usual.objects, crash
            assert end.loaded == usual.loaded, crash
            assert end.deletions == usual.deletions, crash
            assert end.late == (), crash
            assert end.most_away <= story.away, crash
            assert end.fewest_ready >= story.serving, crash
