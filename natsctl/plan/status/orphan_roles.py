"""The status of NatsServiceRoles whose cluster nobody acts on, or which are of none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.api.types.status import Condition, RoleStatus, parse_role_status, parse_status
from natsctl.model import names
from natsctl.model.foreign import named, quoted
from natsctl.plan.adoption.ownership import Ownership, chosen, claim
from natsctl.plan.rules.service_roles import MATCHED

if TYPE_CHECKING:
    from natsctl.model.objects import Cluster, ServiceRole

Verdict = tuple[str, str, str]
"""State, reason and message of a condition."""


def orphan_status(
    role: ServiceRole, cluster: Cluster | None, installation: str, timestamp: str
) -> RoleStatus | None:
    """What to write to a role's status; None: nothing, or the cluster's actor does it.

    `cluster` is the one that the role's label names in its namespace.
    """
    verdict = _verdict(role, cluster, installation)
    if verdict is None or role.metadata.deletion_timestamp is not None:
        return None
    state, reason, message = verdict
    before, generation = parse_role_status(role.status), role.metadata.generation
    same = [c for c in before.conditions if c.type == MATCHED and c.status == state]
    since = same[0].last_transition_time if same else timestamp
    fresh = RoleStatus(
        observed_generation=generation,
        conditions=(Condition(MATCHED, state, reason, message, since, generation),),
        service_accounts=before.service_accounts if state == "Unknown" else (),
    )
    return fresh if fresh != before else None


def _verdict(role: ServiceRole, cluster: Cluster | None, installation: str) -> Verdict | None:
    name = role.metadata.label(names.LABEL_CLUSTER)
    if not name:
        message = (
            f"the role has no label {names.LABEL_CLUSTER}: set it to the name of a "
            "NatsCluster in this namespace"
        )
        return "False", "NoLabel", message
    name = named(name)
    if cluster is None:
        message = (
            f"NatsCluster {name} does not exist in this namespace, and a role applies only to a "
            f"cluster in its own namespace: create it, or fix the label {names.LABEL_CLUSTER}"
        )
        return "False", "NoCluster", message
    if cluster.metadata.deletion_timestamp is not None:
        return "False", "NoCluster", f"NatsCluster {name} is being deleted"
    return _of_a_cluster(cluster, installation)


def _of_a_cluster(cluster: Cluster, installation: str) -> Verdict | None:
    """That there is a cluster is no help as long as nobody acts on its spec."""
    name, status = named(cluster.metadata.name), parse_status(cluster.status)
    match claim(cluster, status, installation):
        case Ownership.OTHERS if not status.operator:
            other = quoted(chosen(cluster))
            message = (
                f"NatsCluster {name} is assigned to installation {other}, which has not taken it "
                "over yet"
            )
            return "False", "NotManaged", message
        case Ownership.OURS if status.observed_generation == cluster.metadata.generation:
            pass
        case _:
            return None
    if any(c.type == "SpecAccepted" and c.status == "False" for c in status.conditions):
        message = f"NatsCluster {name} has an invalid spec: see its condition SpecAccepted"
        return "Unknown", "ClusterNotAccepted", f"{message} (no changes are applied until then)"
    if status.control_paused:
        message = (
            f"NatsCluster {name} is paused: no changes are applied while its spec.paused is true"
        )
        return "Unknown", "ClusterPaused", message
    return None
