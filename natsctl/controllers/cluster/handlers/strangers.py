"""Whose an object is that has the name of one of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.controllers.cluster.handlers.handler import Result
from natsctl.kube.errors import Conflict
from natsctl.model import names
from natsctl.model.foreign import named
from natsctl.plan.state import Failure
from natsctl.render.metadata import selector

if TYPE_CHECKING:
    from natsctl.kube.resources import Resource
    from natsctl.model.objects import Object
    from natsctl.render.target import Target


def is_ours(live: Object, target: Target) -> bool:
    """Whether this very cluster controls it."""
    controller = live.metadata.controller
    return controller is not None and controller.uid == target.uid


def not_ours(resource: Resource, live: Object, target: Target) -> Result:
    """That the name is taken; Conflict if it was an earlier cluster's of this name, and will go."""
    meta = live.metadata
    owner = meta.controller
    if owner is not None and owner.kind == names.KIND_CLUSTER and owner.name == target.name:
        raise Conflict(409, "Collecting", f"{resource.kind} {meta.name} is being garbage-collected")
    whose = (
        f"belongs to {named(owner.kind)} {named(owner.name)}"
        if owner
        else "is not owned by natsctl"
    )
    return Result(
        failure=Failure(
            f"{resource.kind} {meta.name}",
            "NotOurs",
            f"{whose} and is left alone, but NatsCluster {target.name} needs the name: "
            "delete or rename one of the two",
        )
    )


def not_labelled(resource: Resource, live: Object, target: Target) -> Result:
    """That the name is taken by what may hold somebody's data: how to hand it over, or not."""
    meta = live.metadata
    labels = ",".join(f"{key}={value}" for key, value in selector(target.name).items())
    return Result(
        failure=Failure(
            f"{resource.kind} {meta.name}",
            "NotOurs",
            f"does not have the labels of NatsCluster {target.name} and is left alone, but a "
            f"server needs the name: label it {labels} to have its data used, or delete it",
        )
    )
