"""Streams and consumers out of /jsz, one by one: one that is not usable spoils no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import attrs
import msgspec

from natsctl.model.foreign import printable
from natsctl.model.jetstream import (
    MAX_MEMBERS,
    MAX_NAME,
    MAX_REPLICAS,
    Asset,
    Group,
    Meta,
    Raft,
    Replica,
    Storage,
    Store,
)
from natsctl.model.shared_texts import shared
from natsctl.model.struct_types import known_to_threads

if TYPE_CHECKING:
    from collections.abc import Iterator

_NANOSECONDS: Final = 1e9
_MOST_LAG: Final = 2**53
"""Servers subtract one unsigned number from another."""

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
_Text = Annotated[str, msgspec.Meta(max_length=MAX_NAME)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Size = Annotated[int, msgspec.Meta(ge=0, le=MAX_MEMBERS)]


class _Replica(msgspec.Struct):
    name: _Name
    current: bool = False
    offline: bool = False
    active: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] = 0
    lag: int = 0
    pending: bool | int = False


_Replicas = Annotated[list[_Replica], msgspec.Meta(max_length=MAX_REPLICAS)]
_Members = Annotated[list[_Replica], msgspec.Meta(max_length=MAX_MEMBERS)]


class _Cluster(msgspec.Struct):
    leader: _Text = ""
    replicas: _Replicas | None = None
    desired: msgspec.Raw = msgspec.Raw(b"null")


class _Meta(msgspec.Struct):
    leader: _Text = ""
    replicas: _Members | None = None
    cluster_size: _Size = 0
    quorum_needed: _Size = 0


class _State(msgspec.Struct):
    messages: _Number
    first_seq: _Number
    last_seq: _Number
    bytes: _Number = 0


class _StreamConfig(msgspec.Struct):
    num_replicas: Annotated[int, msgspec.Meta(ge=0, le=MAX_REPLICAS)]
    storage: Literal["file", "memory"]
    retention: Literal["limits", "interest", "workqueue"]


class _Stream(msgspec.Struct):
    name: _Name
    config: _StreamConfig
    state: _State
    cluster: _Cluster | None = None


class _ConsumerConfig(msgspec.Struct):
    num_replicas: Annotated[int, msgspec.Meta(ge=0, le=MAX_REPLICAS)] = 0
    durable_name: _Text = ""
    mem_storage: bool = False


class _Consumer(msgspec.Struct):
    name: _Name
    config: _ConsumerConfig
    cluster: _Cluster | None = None


class _Head(msgspec.Struct):
    """Whose record it is; the name alone is read even if nothing else is as it should be."""

    name: _Name


class _Consumers(msgspec.Struct):
    consumer_detail: list[msgspec.Raw] | None = None


@attrs.frozen
class Unknown:
    """An asset that is there but not told usably; `what` describes it, `asset` if it has a name."""

    what: str
    asset: Asset | None = None


def meta(raw: bytes) -> Meta | None:
    """The meta group; None outside of clusters. Raises msgspec.DecodeError."""
    cluster = msgspec.json.decode(raw, type=_Meta | None)
    if cluster is None:
        return None
    members = _replicas(cluster.replicas)
    return Meta(cluster.leader, members, size=cluster.cluster_size, votes=cluster.quorum_needed)


def stream(account: str, raw: bytes) -> Iterator[Group | Unknown]:
    """A stream and its consumers."""
    try:
        said = msgspec.json.decode(raw, type=_Stream)
    except ValueError:
        yield _unknown(raw, account)
        return
    yield Group(
        Asset(account, said.name),
        max(said.config.num_replicas, 1),
        _raft(said.cluster),
        Storage(said.config.storage),
        _store(said.state),
        said.config.retention != "limits",
    )
    yield from _consumers(account, said, raw)


def _store(state: _State) -> Store:
    return Store(state.messages, state.first_seq, state.last_seq, state.bytes)


def _consumers(account: str, of: _Stream, raw: bytes) -> Iterator[Group | Unknown]:
    try:
        details = msgspec.json.decode(raw, type=_Consumers).consumer_detail or ()
    except ValueError:
        yield Unknown(f"the consumers of {_shown(account, of.name)}")
        return
    for detail in details:
        yield _consumer(account, of, bytes(detail))


def _consumer(account: str, of: _Stream, raw: bytes) -> Group | Unknown:
    try:
        said = msgspec.json.decode(raw, type=_Consumer)
    except ValueError:
        return _unknown(raw, account, of.name)
    return Group(
        Asset(account, of.name, said.name),
        _consumer_replicas(said.config, of.config),
        _raft(said.cluster),
        Storage.MEMORY if said.config.mem_storage else Storage(of.config.storage),
    )


def _consumer_replicas(config: _ConsumerConfig, stream: _StreamConfig) -> int:
    """As servers count them: 0 is as many as the stream has, but one for an ephemeral consumer.

    https://github.com/nats-io/nats-server/blob/v2.12.0/server/consumer.go (ConsumerConfig.replicas)
    """
    most = max(stream.num_replicas, 1)
    if config.num_replicas:
        return min(config.num_replicas, most)
    ephemeral = not config.durable_name and stream.retention == "limits"
    return 1 if ephemeral else most


def _raft(cluster: _Cluster | None) -> Raft:
    if cluster is None:
        return Raft()
    moving = bytes(cluster.desired) not in (b"null", b"{}")
    return Raft(shared(cluster.leader), _replicas(cluster.replicas), moving)


def _replicas(said: list[_Replica] | None) -> tuple[Replica, ...]:
    # Names of servers are in each of thousands of groups: shared, they are kept once.
    return tuple(
        Replica(
            shared(peer.name),
            peer.current,
            peer.offline,
            peer.active / _NANOSECONDS,
            min(peer.lag % 2**64, _MOST_LAG),
            bool(peer.pending),
        )
        for peer in said or ()
    )


def _unknown(raw: bytes, account: str, of: str = "") -> Unknown:
    """A stream of an account, or a consumer of its stream `of`."""
    kind = "consumer" if of else "stream"
    try:
        name = msgspec.json.decode(raw, type=_Head).name
    except ValueError:
        return Unknown(f"a {kind} of {_shown(account, of)}")
    asset = Asset(account, of, name) if of else Asset(account, name)
    return Unknown(f"{kind} {_shown(str(asset))}", asset)


def _shown(*names: str) -> str:
    return printable("/".join(filter(None, names)), 120)


known_to_threads(_Meta | None, _Stream, _Consumers, _Consumer, _Head)
