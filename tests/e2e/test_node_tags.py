"""Servers take tags from labels of their node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e import images
from tests.e2e.clusters import NEXT, Cluster
from tests.e2e.kubectl import Json, Kubectl, KubectlFailed, until

Apply = Callable[..., Cluster]
LABEL, TAG = "e2e.nats.io/Zone", "zone:eu-a"
pytestmark = pytest.mark.usefixtures("reaches_pods")


@pytest.fixture
def zone(kubectl: Kubectl) -> Iterator[Callable[[], None]]:
    """Puts every node into a zone, until the test is over."""
    yield lambda: print(kubectl("label", "nodes", "--all", f"{LABEL}=Eu-A"))
    kubectl("label", "nodes", "--all", f"{LABEL}-")


def tagging(account: str, **fields: Any) -> Json:
    """Fields of a cluster whose servers have a tag of their zone."""
    repository, tag = images.own()
    return {
        "serverTagsFromNode": [LABEL],
        "pod": {"bootconfigImage": repository, "bootconfigImageTag": tag},
        "template": {"spec": {"serviceAccountName": account}},
        **fields,
    }


def tags(found: Cluster) -> set[tuple[str, ...]]:
    """What all servers say; nothing while one restarts."""
    try:
        told = [found.monitoring(pod, "varz") for pod in found.pods()]
    except KubectlFailed:
        return set()
    return {tuple(sorted(each.get("tags") or ())) for each in told}


def test_servers_that_run_get_a_tag_of_their_zone(
    cluster: Apply, account: str, zone: Callable[[], None]
) -> None:
    """By a rolling restart; what all servers have in common still changes without one."""
    zone()
    found = cluster("a", size=3, version=NEXT, serverTags=["slow"]).ready()
    with found.history() as history:
        found.patch(**tagging(account))
        until("all have it", lambda: tags(found) == {("slow", TAG)}, 180)
        found.ready(120)
    assert history.fewest_serving(3) >= 2
    before = found.uids()
    found.patch(serverTags=["fast"])
    until("all have taken it up", lambda: tags(found) == {("fast", TAG)}, 120)
    assert found.uids() == before


def test_without_the_label_servers_start_and_are_named(
    cluster: Apply, account: str, zone: Callable[[], None], namespace: Kubectl
) -> None:
    """With streams, too: what they have stays there."""
    jetstream = {"fileStore": {"pvc": {"size": "64Mi"}}, "uniqueTag": "zone:"}
    found = cluster("a", size=1, version=NEXT, jetstream=jetstream, **tagging(account)).ready(120)
    found.until_condition(
        "SpecAccepted", "True", f"a-1 started on a node without the label {LABEL}"
    )
    assert tags(found) == {()}
    zone()
    uid = found.uids()["a-1"]
    namespace("delete", "pod", "a-1")
    found.until_replaced("a-1", uid)
    found.ready(120)
    assert tags(found) == {(TAG,)}


def test_without_the_right_to_read_nodes_the_condition_says_what_is_missing(
    cluster: Apply,
) -> None:
    found = cluster("a", size=1, version=NEXT, **tagging("default"))
    found.until_condition("Degraded", "True", "container bootconfig", "`get` of `nodes`")
