"""Checks of the tags of servers, and of the one that keeps replicas of a stream apart."""

from collections.abc import Iterator

from natsctl.api.problems import Problem, shown
from natsctl.api.types.cluster import NO_POLICY, NatsClusterSpec
from natsctl.api.types.node import pod_template
from natsctl.api.version import ServerVersion
from natsctl.model.node_tags import tag_prefix
from natsctl.model.words import listed

_STATIC, _FROM_NODE = "spec.serverTags", "spec.serverTagsFromNode"
_ZONE = "topology.kubernetes.io/zone"
_HOSTNAME = "kubernetes.io/hostname"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def tag_problems(spec: NatsClusterSpec, version: ServerVersion) -> Iterator[Problem]:
    """Problems of `serverTags` and `serverTagsFromNode`."""
    yield from _static(spec, version)
    yield from _from_node(spec, version)
    yield from _both(spec)


def _static(spec: NatsClusterSpec, version: ServerVersion) -> Iterator[Problem]:
    """Read: 2.1.9 refuses the field, 2.2.6 takes it."""
    if spec.server_tags and not version.at_least(2, 2, 6):
        message = (
            f"nats-server {version} does not support tags; omit serverTags, or use version 2.2.6 "
            "or later"
        )
        yield Problem(_STATIC, "", message)
    for place, tag in enumerate(spec.server_tags):
        if not tag or tag.lower() in {each.lower() for each in spec.server_tags[:place]}:
            wrong = f"{shown(tag)} is a duplicate" if tag else "is empty"
            yield Problem(f"{_STATIC}[{place}]", shown(tag), f"{wrong}; remove it")


def _from_node(spec: NatsClusterSpec, version: ServerVersion) -> Iterator[Problem]:
    """Measured: before 2.9, servers refuse any reload if their tags come in another order."""
    labels = spec.server_tags_from_node
    if labels and not version.at_least(2, 9):
        message = (
            f"requires nats-server 2.9.0 or later, not {version}; omit it, or use a later version"
        )
        yield Problem(_FROM_NODE, "", message)
    prefixes = [tag_prefix(label) for label in labels]
    for place, (label, prefix) in enumerate(zip(labels, prefixes, strict=True)):
        path = f"{_FROM_NODE}[{place}]"
        if not label:
            yield Problem(path, shown(label), "is empty; remove it")
        elif prefix in prefixes[:place]:
            message = (
                f"{shown(label)} would become a tag {shown(prefix)}, as a label before it does; "
                "remove one of them"
            )
            yield Problem(path, shown(label), message)


def _both(spec: NatsClusterSpec) -> Iterator[Problem]:
    """Of two tags that begin alike, servers would take any."""
    prefixes = {tag_prefix(label): label for label in spec.server_tags_from_node}
    for place, tag in enumerate(spec.server_tags):
        label = next((own for at, own in prefixes.items() if tag.lower().startswith(at)), None)
        if label is not None:
            message = (
                f"{shown(tag)} has the prefix of the tag from label {label} of the node; "
                f"remove it, or remove the label from {_FROM_NODE}"
            )
            yield Problem(f"{_STATIC}[{place}]", shown(tag), message)


def unique_tag_problems(spec: NatsClusterSpec) -> Iterator[Problem]:
    """Measured: servers place nothing on one without such a tag, and one replica on all that share
    one: the tags of `serverTags`, which all servers have, would allow no second replica."""
    tag = spec.jetstream.unique_tag if spec.jetstream is not None else None
    prefixes = [tag_prefix(label) for label in spec.server_tags_from_node]
    if not tag or tag in prefixes:
        return
    yield Problem("spec.jetstream.uniqueTag", shown(tag), _way_out(spec, tag, prefixes))


def _way_out(spec: NatsClusterSpec, tag: str, prefixes: list[str]) -> str:
    if prefixes:
        known = listed([shown(prefix) for prefix in prefixes])
        return (
            f"{shown(tag)} is not the prefix of a tag from {_FROM_NODE}; use one of "
            f"{known}, or add the label that it stands for"
        )
    everywhere = any(each.lower().startswith(tag.lower()) for each in spec.server_tags)
    why = "all servers have the same tags from spec.serverTags" if everywhere else "no server has"
    why += ", so a stream could have only one replica" if everywhere else " a tag with this prefix"
    return (
        f"{why}; set {_FROM_NODE} to a label whose value differs between nodes, such as {_ZONE} "
        'for "zone:"'
    )


def unique_tag_remarks(spec: NatsClusterSpec) -> Iterator[Problem]:
    """What nobody sees before a stream is refused: several servers that share a tag."""
    tag = spec.jetstream.unique_tag if spec.jetstream is not None else None
    labels = [label for label in spec.server_tags_from_node if tag_prefix(label) == tag]
    for label in labels:
        if spec.size > 1 and label not in _kept_apart(spec):
            message = (
                f"is {shown(tag)}, but several servers may run on nodes with the same value of "
                f"{label}, and replicas of a stream cannot; add a constraint with topologyKey "
                f"{label} and whenUnsatisfiable DoNotSchedule to "
                "spec.template.spec.topologySpreadConstraints"
            )
            yield Problem("spec.jetstream.uniqueTag", shown(tag), message)


def _kept_apart(spec: NatsClusterSpec) -> frozenset[str]:
    """Labels whose values servers are spread over, or are the only one with."""
    template = pod_template(spec)
    affinity = template.get("affinity") or {}
    terms = (affinity.get("podAntiAffinity") or {}).get(_REQUIRED) or ()
    constraints = template.get("topologySpreadConstraints") or ()
    strict = (it for it in constraints if it.get("whenUnsatisfiable") == "DoNotSchedule")
    spread = {str(it.get("topologyKey")) for it in (*strict, *terms)}
    own = {_HOSTNAME} if (spec.pod or NO_POLICY).anti_affinity else set()
    return frozenset(spread | own)
