"""What servers call their cluster, where `extraRoutes` join it to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.version import ServerVersion
from natsctl.render.config.gateways import gateway_name
from natsctl.render.revision.revision import running_joined, running_named

if TYPE_CHECKING:
    from collections.abc import Callable


@attrs.frozen
class Member:
    """A NatsCluster that others may join, with the revisions that its pods are stamped with."""

    spec: NatsClusterSpec
    version: ServerVersion
    stamps: tuple[str | None, ...] = ()


def joined_name(spec: NatsClusterSpec, find: Callable[[str], Member | None]) -> str | None:
    """The name that servers are created with to join the cluster that `extraRoutes` lead to.

    That of `clusterName`, else the one that its servers have; None if the routes lead to none of
    the namespace, or to servers without a name of their own.
    `find` gives the NatsClusters of the namespace, this one among them.
    """
    if spec.cluster_name:
        return spec.cluster_name
    cluster_names = (_name(other, find) for other in joins(spec))
    return next((name for name in cluster_names if name is not None), None)


def _name(name: str, find: Callable[[str], Member | None]) -> str | None:
    """What the servers of a NatsCluster call their cluster, or will once it is created.

    Those that join each other in a ring all get the first of their names.
    """
    passed: list[str] = []
    while name not in passed:
        passed.append(name)
        member = find(name)
        if member is None:
            return name
        onward = joins(member.spec)
        if _is_settled(member) or not onward:
            return _settled_name(name, member)
        name = onward[0]
    return min(passed[passed.index(name) :])


def _is_settled(member: Member) -> bool:
    """Whether nothing that happens elsewhere changes the name any more."""
    spec, version = member.spec, member.version
    fixed = gateway_name(spec) or spec.cluster_name or not version.knows_cluster_name
    return bool(fixed or member.stamps)


def _settled_name(name: str, member: Member) -> str | None:
    if not member.version.knows_cluster_name:
        return None
    if gateway := gateway_name(member.spec):
        return gateway
    if not member.stamps:
        return member.spec.cluster_name or (None if member.spec.extra_routes else name)
    return name if running_named(member.stamps) else running_joined(member.stamps)


def joins(spec: NatsClusterSpec) -> list[str]:
    """The NatsClusters of its own namespace that a spec names in `extraRoutes`."""
    return [extra.cluster for extra in spec.extra_routes if extra.cluster]
