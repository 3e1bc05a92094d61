"""Whether servers have the tags that labels of their nodes should give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model.foreign import named
from natsctl.model.node_tags import lacking, tag_prefix
from natsctl.model.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.plan.servers.server import Server

FIELD: Final = "serverTagsFromNode"
_USUAL_REPLICAS: Final = 3


def tag_remarks(spec: NatsClusterSpec, servers: Sequence[Server]) -> Iterator[str]:
    """What servers say that lack tags, or share one that keeps replicas apart.

    Servers that wait for the restart that gives them tags are not asked, nor those that are silent.
    """
    labels = spec.server_tags_from_node
    tags = {s.name: told for s in servers if (told := _tags(s)) is not None} if labels else {}
    unique = spec.jetstream.unique_tag if spec.jetstream is not None else None
    for label in labels:
        without = [name for name, told in tags.items() if label in lacking(told, labels)]
        if without:
            yield _without(label, without, tag_prefix(label) == unique)
        if tag_prefix(label) == unique and len(tags) == spec.size:
            yield from _shared(label, tags)


def _tags(server: Server) -> tuple[str, ...] | None:
    """Those of a server that runs what the spec asks for."""
    seen = server.observation
    late = FIELD in (*server.changes, *server.reloads, *server.pending)
    return None if late or server.terminating or seen is None or seen.problem else seen.tags


def _without(label: str, servers: Sequence[str], unique: bool) -> str:
    effect = ", and servers place no streams there" if unique else ""
    return (
        f"spec.{FIELD}: {listed(servers)} started on a node without the label {label}, so without "
        f"its tag{effect}; label the node, and then delete the pod"
    )


def _shared(label: str, tags: Mapping[str, Sequence[str]]) -> Iterator[str]:
    prefix = tag_prefix(label)
    different = {tag for told in tags.values() for tag in told if tag.startswith(prefix)}
    if 0 < len(different) < min(len(tags), _USUAL_REPLICAS):
        values = listed(sorted(map(named, different)))
        yield (
            f"spec.jetstream.uniqueTag: all servers together have only {values}, so streams with "
            f"more replicas than that are rejected; spread the servers over nodes with different "
            f"values of {label}"
        )
