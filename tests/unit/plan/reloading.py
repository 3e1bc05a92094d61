"""Targets with what comes from outside their specs, and pods that were made for them."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec

from natsctl.model.objects import Pod
from natsctl.plan.inputs.resolve import ResolvedInputs
from natsctl.plan.state import Desired
from natsctl.render.inputs import ConfigInputs
from natsctl.render.objects.owned_objects import owned_objects
from natsctl.render.pod.pod import pod as render_pod
from natsctl.render.revision.revision import revision
from natsctl.render.target import Target
from tests.unit.plan.world import stamped, target

SYSTEM = "U" + "A" * 55
THREE: dict[str, Any] = {"size": 3, "version": "2.14.10"}


def goal_of(
    spec: dict[str, Any],
    system: str = SYSTEM,
    account: str = "$SYS",
    seal: str = "",
    **sealed: str,
) -> Target:
    digests = {path.replace("_", "."): digest for path, digest in sealed.items()}
    inputs = ConfigInputs(system=system, account=account, seal=seal, sealed=digests)
    return attrs.evolve(target(spec), inputs=inputs)


def desired(goal: Target, **resolved: Any) -> Desired:
    return Desired(
        target=goal,
        objects=tuple(stamped(manifest) for manifest in owned_objects(goal)),
        revision=revision(goal),
        resolved=ResolvedInputs(inputs=goal.inputs, **resolved),
    )


def server(index: int, goal: Target, *, reloader: bool = False) -> Pod:
    """A pod that was made for this target."""
    manifest = render_pod(goal, index)
    manifest["metadata"] |= {"uid": f"pod-{index}", "resourceVersion": "1"}
    containers = ["nats", *(["reloader"] if reloader else [])]
    manifest["status"] = {
        "phase": "Running",
        "podIP": f"10.0.0.{index}",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": name, "ready": True} for name in containers],
    }
    return msgspec.convert(manifest, Pod)
