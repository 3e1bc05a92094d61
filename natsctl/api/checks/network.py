"""Checks of the peers of `networkPolicy`, as the API server makes them of a NetworkPolicy."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from natsctl.api.parse import parse_leniently
from natsctl.api.problems import Problem, apart, shown
from natsctl.api.schema.bounds import out_of_bounds
from natsctl.api.selectors import selector_problems
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.network import ONE_PEER, Block, Peer, Selector, peer_lists

_CIDR = re.compile(r"[0-9a-fA-F:.]+/(0|[1-9][0-9]{0,2})", re.ASCII)
_CIDR_HELP = "use one such as 10.0.0.0/8 or 2001:db8::/32, with no bits set after the prefix"


def network_problems(spec: NatsClusterSpec) -> Iterator[Problem]:
    """Problems of `networkPolicy`."""
    for path, peers in peer_lists(spec.network_policy) if spec.network_policy else ():
        given: Any = list(peers)
        parsed, wrong = parse_leniently(given, tuple[Peer, ...], path)
        yield from wrong
        invalid = (each for i, peer in enumerate(parsed) for each in _peer(peer, f"{path}[{i}]"))
        yield from apart(invalid, wrong)


def _peer(peer: Peer, path: str) -> Iterator[Problem]:
    selects = peer.pod_selector is not None or peer.namespace_selector is not None
    if selects == (peer.ip_block is not None):
        yield Problem(path, "", ONE_PEER.message)
    yield from out_of_bounds(peer, path)
    yield from _selector(peer.pod_selector or Selector(), f"{path}.podSelector")
    yield from _selector(peer.namespace_selector or Selector(), f"{path}.namespaceSelector")
    if peer.ip_block is not None:
        yield from _block(peer.ip_block, f"{path}.ipBlock")


def _selector(selector: Selector, path: str) -> Iterator[Problem]:
    yield from selector_problems(selector.match_labels, selector.match_expressions, path)


def _block(block: Block, path: str) -> Iterator[Problem]:
    whole = _network(block.cidr)
    if whole is None:
        yield _no_range(block.cidr, f"{path}.cidr")
    for index, text in enumerate(block.but):
        here, part = f"{path}.except[{index}]", _network(text)
        if part is None:
            yield _no_range(text, here)
        elif whole is not None and not _inside(part, whole):
            message = f"{text} is not within {block.cidr}; use one that is, or omit it"
            yield Problem(here, shown(text), message)


def _no_range(text: str, path: str) -> Problem:
    return Problem(path, shown(text), f"{shown(text)} is not a valid address range; {_CIDR_HELP}")


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text) if _CIDR.fullmatch(text) else None
    except ValueError:
        return None


def _inside(part: IPv4Network | IPv6Network, whole: IPv4Network | IPv6Network) -> bool:
    """Whether it is some of the other's addresses, and not all of them."""
    return (
        part.version == whole.version
        and part.prefixlen > whole.prefixlen
        and part.network_address in whole
    )
