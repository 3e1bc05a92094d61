"""Who may evict how many servers that store streams."""

from typing import Any

import pytest

from natsctl.render.metadata import selector
from natsctl.render.objects.disruption_budget import allowing, disruption_budget
from natsctl.render.pod.pod import pod
from tests.unit.render.targets import target

SPEC: dict[str, Any] = {"size": 3, "version": "2.14.10", "jetstream": {}}


def test_others_may_evict_one_server_at_a_time_and_each_that_is_broken() -> None:
    made = disruption_budget(target(**SPEC))
    assert made is not None
    assert (made["apiVersion"], made["kind"]) == ("policy/v1", "PodDisruptionBudget")
    assert made["metadata"]["name"] == "c"
    assert made["spec"] == {
        "selector": {"matchLabels": {"app": "nats", "nats_cluster": "c"}},
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }


def test_it_selects_the_pods_of_the_cluster() -> None:
    assert selector("c").items() <= pod(target(**SPEC), 1)["metadata"]["labels"].items()


@pytest.mark.parametrize("spec", [{"size": 3}, SPEC | {"size": 1}], ids=["no streams", "alone"])
def test_who_stores_nothing_for_another_has_none(spec: dict[str, Any]) -> None:
    """One server alone is not protected by keeping it: nobody could ever drain its node."""
    assert disruption_budget(target(**spec)) is None


def test_only_the_number_changes() -> None:
    made = disruption_budget(target(**SPEC))
    assert made is not None
    none = allowing(made, 0)
    assert none["spec"].pop("maxUnavailable") == 0
    assert made["spec"].pop("maxUnavailable") == 1
    assert none == made
