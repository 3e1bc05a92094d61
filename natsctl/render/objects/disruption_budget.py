"""The PodDisruptionBudget: how many servers that store streams others may evict at a time."""

from collections.abc import Mapping
from typing import Any, Final

from natsctl.api.fields import Json
from natsctl.render.metadata import metadata, selector
from natsctl.render.target import Target

MAX_UNAVAILABLE: Final = "maxUnavailable"
MOST: Final = 1
"""Servers that may be away at a time: no quorum of three survives two."""


def disruption_budget(target: Target) -> Json | None:
    """The budget, if there are servers that store streams for each other.

    Servers that are not ready may always be evicted: a broken one must not hold up the drain of
    its node. Kubernetes has the field for that since 1.27; 1.26 drops it.
    https://kubernetes.io/docs/tasks/run-application/configure-pdb/#unhealthy-pod-eviction-policy
    """
    if target.spec.jetstream is None or target.spec.size < 2:
        return None
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(target, target.name),
        "spec": {
            "selector": {"matchLabels": selector(target.name)},
            MAX_UNAVAILABLE: MOST,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def allowing(budget: Mapping[str, Any], count: int) -> Json:
    """The same budget with another number of evictions."""
    return {**budget, "spec": {**budget["spec"], MAX_UNAVAILABLE: count}}
