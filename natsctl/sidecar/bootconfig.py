"""What servers take from their node: the address that they advertise, and tags."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from natsctl.kube.client import Client
from natsctl.kube.errors import ApiError
from natsctl.kube.resources import Resource
from natsctl.kube.transport import connect
from natsctl.model.foreign import quoted
from natsctl.model.objects import Object, Wire
from natsctl.model.struct_types import known_to_threads
from natsctl.sidecar.node_tags import Tagged, TagSettings, start_text, tagged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FORBIDDEN = 403
NODES = Resource("Node", "v1", "nodes", Object)


_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}", re.ASCII)


class _Address(Wire, frozen=True):
    type: str = ""
    address: str = ""


class _Status(Wire, frozen=True):
    addresses: tuple[_Address, ...] | None = None


class Failed(Exception):
    """No file was written; str() says why and what to do."""


@attrs.frozen
class Settings:
    """What flags and environment say; without `kubeconfig` the pod's own account is used.

    `addresses` says whether the address is looked up; without `tags`, no labels are.
    """

    node: str
    client_file: Path
    gateway_file: Path
    label: str
    internal: bool = False
    kubeconfig: str | None = None
    addresses: bool = True
    tags: TagSettings | None = None


@attrs.frozen
class Advertised:
    """An address as nats-server takes it, and where it was found."""

    address: str
    source: str


@attrs.frozen
class Written:
    """What the files say, of what was asked for."""

    advertised: Advertised | None = None
    tagged: Tagged | None = None


async def write(settings: Settings) -> Written:
    """Write the files; raises Failed, and ValueError where there is no way to an API server.

    A node that cannot be read is a reason not to start, and a label that it lacks is none: a server
    without a tag still has its data, and somebody may label the node later.
    """
    node = await _node(settings)
    written = Written(
        advertised=choose(node, settings) if settings.addresses else None,
        tagged=tagged(node, settings.tags.labels) if settings.tags else None,
    )
    for path, text in _texts(settings, written).items():
        try:
            path.write_text(text)
        except OSError as error:
            raise Failed(f"cannot write {path}: {error.strerror}") from error
    return written


def _texts(settings: Settings, written: Written) -> dict[Path, str]:
    texts: dict[Path, str] = {}
    if written.advertised is not None:
        address = written.advertised.address
        texts[settings.client_file] = f'client_advertise = "{address}"\n'
        texts[settings.gateway_file] = f'advertise = "{address}"\n'
    if written.tagged is not None and settings.tags is not None:
        texts[settings.tags.file] = start_text(settings.tags, written.tagged.tags)
    return texts


def choose(node: Mapping[str, Any], settings: Settings) -> Advertised:
    """The external address, else the label's, else where allowed the internal; raises Failed."""
    for address in _addresses(node, "ExternalIP"):
        return Advertised(_as_host(address), "ExternalIP")
    labelled = (node["metadata"].get("labels") or {}).get(settings.label)
    if labelled:
        return Advertised(_as_host(labelled), f"label {settings.label}")
    internal = next(_addresses(node, "InternalIP"), None)
    if internal and settings.internal:
        return Advertised(_as_host(internal), "InternalIP")
    raise Failed(_way_out(settings, internal))


def _addresses(node: Mapping[str, Any], kind: str) -> Iterator[str]:
    for entry in _addresses_of(node):
        if entry.type == kind and entry.address:
            yield entry.address


def _addresses_of(node: Mapping[str, Any]) -> tuple[_Address, ...]:
    try:
        return msgspec.convert(node.get("status") or {}, _Status).addresses or ()
    except (msgspec.ValidationError, RecursionError) as error:
        raise Failed(f"the node's addresses cannot be read: {error}") from None


def _as_host(address: str) -> str:
    """As it stands before a port: nats-server takes no IPv6 address without brackets.

    It stands between quotes in a configuration, where anything but a name could say more.
    """
    if _HOST.fullmatch(address):
        return address
    try:
        parsed = ip_address(address)
    except ValueError:
        parsed = None
    if isinstance(parsed, IPv6Address) and parsed.scope_id is None:
        return f"[{address}]"
    raise Failed(f"the node's address {quoted(address)} is neither an IP nor a name")


def _way_out(settings: Settings, internal: str | None) -> str:
    node, label = settings.node, settings.label
    ways = f"kubectl label node {node} {label}=ADDRESS"
    if internal:
        ways += f", or --internal-ip to advertise its InternalIP {internal}"
    return f"node {node} has no ExternalIP and no label {label}; set one: {ways}"


async def _node(settings: Settings) -> dict[str, Any]:
    async with connect(settings.kubeconfig) as transport:
        try:
            return await Client(transport).raw(NODES, None, settings.node)
        except ApiError as error:
            raise Failed(f"cannot read node {settings.node}: {_hint(error)}{error}") from error


def _hint(error: ApiError) -> str:
    """The way out, first: whoever tells of the end of the container may cut off what is long."""
    if error.status != FORBIDDEN:
        return ""
    return "the pod's ServiceAccount needs a ClusterRole that allows `get` of `nodes`; "


known_to_threads(_Status)
