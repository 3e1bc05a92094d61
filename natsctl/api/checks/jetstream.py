"""Checks of what a spec says of JetStream, as far as the spec alone tells."""

from collections.abc import Iterator
from typing import Final

from natsctl.api.checks.jetstream_claims import claim_problems
from natsctl.api.checks.jetstream_growth import growth_problems
from natsctl.api.checks.jetstream_servers import server_problems
from natsctl.api.checks.jetstream_sizes import quantity_problems
from natsctl.api.checks.tags import unique_tag_problems
from natsctl.api.duration import parse_duration
from natsctl.api.problems import Problem, shown
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.jetstream import (
    ALWAYS,
    MOST_SHARE,
    Encryption,
    FileStore,
    JetStream,
    Limits,
    volume_size,
)
from natsctl.api.types.node import memory_limit, server_resources
from natsctl.api.types.security import NO_OPERATOR
from natsctl.api.version import ServerVersion
from natsctl.model.quantity import bytes_text, parse_bytes

_PATH: Final = "spec.jetstream"
_RESERVED: Final = frozenset({"ACK", "FC", "SNAPSHOT", "EVENT"})
"""Of domains (nats-server 2.15: `isReservedDomainName`)."""
_LEAST_WINDOW: Final = 100 * 10**6
"""Nanoseconds: no stream may have a shorter window (nats-server: stream.go)."""
MEMORY_SHARE: Final = 90
"""Per cent of a container's memory that are not spare: the servers' GOMEMLIMIT."""
_MI: Final = 2**20


def jetstream_problems(spec: NatsClusterSpec, version: ServerVersion) -> Iterator[Problem]:
    """Problems of `jetstream`, and of what servers with JetStream must not have next to it."""
    jetstream = spec.jetstream
    if jetstream is None:
        return
    yield from _version(version)
    yield from _sizes(jetstream)
    yield from growth_problems(jetstream)
    yield from _memory(spec, jetstream)
    yield from _domain(jetstream.domain)
    yield from _durations(jetstream, version)
    yield from unique_tag_problems(spec)
    yield from _key(jetstream.encryption)
    yield from _links(spec)
    yield from server_problems(spec)
    yield from claim_problems(jetstream)


def _version(version: ServerVersion) -> Iterator[Problem]:
    if not version.at_least(2, 9):
        message = f"requires nats-server 2.9.0 or later, not {version}; use a later version"
        yield Problem(_PATH, "", message)
    elif version.guessed:
        message = (
            f"requires a known release of nats-server, which the tag {shown(version.text)} does "
            "not identify; set spec.serverVersion to the release in the image"
        )
        yield Problem(_PATH, "", message)


def _sizes(jetstream: JetStream) -> Iterator[Problem]:
    store = jetstream.file_store or FileStore()
    volume = volume_size(jetstream)
    wrong = tuple(quantity_problems(volume, f"{_PATH}.fileStore.pvc.size"))
    yield from wrong
    if store.max_size is not None:
        path = f"{_PATH}.fileStore.maxSize"
        bad = tuple(quantity_problems(store.max_size, path))
        yield from bad
        if not bad and not wrong:
            yield from _headroom(store.max_size, volume, path)


def _headroom(limit: str, volume: str, path: str) -> Iterator[Problem]:
    most = parse_bytes(volume) * MOST_SHARE // 100
    if parse_bytes(limit) > most:
        message = (
            f"is {limit}, more than {MOST_SHARE} % of the volume ({volume}); servers need more "
            "space than they count, and a full disk stops JetStream: "
            f"use {_rounded(most)} or less, or a larger volume"
        )
        yield Problem(path, limit, message)


def _memory(spec: NatsClusterSpec, jetstream: JetStream) -> Iterator[Problem]:
    if jetstream.memory_store is None:
        return
    path, text = f"{_PATH}.memoryStore.maxSize", jetstream.memory_store.max_size
    wrong = tuple(quantity_problems(text, path))
    yield from wrong
    limit = memory_limit(server_resources(spec))
    if wrong or limit is None:
        return
    most = limit * MEMORY_SHARE // 100
    if parse_bytes(text) > most:
        message = (
            f"is {text}, more than {MEMORY_SHARE} % of the memory that the server container may "
            f"use ({bytes_text(limit)}); use {_rounded(most)} or less, or raise the limit"
        )
        yield Problem(path, text, message)


def _rounded(count: int) -> str:
    """So many bytes or a few less, as people write them."""
    return bytes_text(count // _MI * _MI) if count >= _MI else str(count)


def _domain(domain: str | None) -> Iterator[Problem]:
    if domain in _RESERVED:
        message = f"{shown(domain)} is reserved by nats-server; use another name"
        yield Problem(f"{_PATH}.domain", shown(domain), message)


def _durations(jetstream: JetStream, version: ServerVersion) -> Iterator[Problem]:
    interval, path = jetstream.sync_interval, f"{_PATH}.syncInterval"
    if interval and not version.at_least(2, 10):
        message = (
            f"nats-server {version} does not support it; omit syncInterval, or use version 2.10.0 "
            "or later"
        )
        yield Problem(path, shown(interval), message)
    if interval != ALWAYS:
        yield from _duration(interval, path)
    window = (jetstream.limits or Limits()).duplicate_window
    yield from _duration(window, f"{_PATH}.limits.duplicateWindow", _LEAST_WINDOW)


def _duration(text: str | None, path: str, least: int = 0) -> Iterator[Problem]:
    if not text:
        return
    try:
        if parse_duration(text) < least:
            message = f"is {shown(text)}; use 100ms or more, or omit it"
            yield Problem(path, shown(text), message)
    except ValueError as error:
        yield Problem(path, shown(text), str(error))


def _key(encryption: Encryption | None) -> Iterator[Problem]:
    if encryption is not None and not encryption.secret:
        message = "is required; set it to the name of the Secret with the key"
        yield Problem(f"{_PATH}.encryption.secret", "", message)


def _links(spec: NatsClusterSpec) -> Iterator[Problem]:
    """Measured: servers that are linked become one JetStream, and one side loses its streams."""
    advice = "use spec.leafnodeConfig, with a different spec.jetstream.domain on each side"
    for path, given, what in (
        ("spec.extraRoutes", spec.extra_routes, "routes"),
        ("spec.gatewayConfig", spec.gateway_config, "gateways"),
    ):
        if given:
            message = (
                f"cannot be used together with spec.jetstream: {what} make one JetStream of both "
                f"sides, and one of them loses its streams; {advice}"
            )
            yield Problem(path, "", message)
    operator = spec.operator_config or NO_OPERATOR
    if operator.secret and not operator.system_account:
        message = "is required with spec.jetstream; set it to the public nkey of the system account"
        yield Problem("spec.operatorConfig.systemAccount", "", message)
