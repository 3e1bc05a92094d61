"""Whether the servers can run what a well-formed spec asks for.

The schema says part of this already; it is said again because objects may have been stored
under another schema, or under none.
"""

import re
from collections.abc import Iterator

from natsctl.api.checks.auth import auth_problems
from natsctl.api.checks.doors import contradictions
from natsctl.api.checks.jetstream import jetstream_problems
from natsctl.api.checks.links import link_problems
from natsctl.api.checks.network import network_problems
from natsctl.api.checks.pod import pod_problems
from natsctl.api.checks.tags import tag_problems
from natsctl.api.checks.tls import tls_problems
from natsctl.api.duration import parse_duration
from natsctl.api.labels import key_problems, label_problems
from natsctl.api.problems import Problem, shown
from natsctl.api.release import meant_version, release_problems
from natsctl.api.schema.bounds import out_of_bounds
from natsctl.api.types.cluster import (
    LAME_DUCK_HELP,
    MIN_LAME_DUCK,
    SIZE_HELP,
    NatsClusterSpec,
    ServicePolicy,
)
from natsctl.api.types.server_config import NatsConfig, WebsocketConfig
from natsctl.api.version import ServerVersion
from natsctl.model.names import MAX_CLUSTER_NAME, MAX_SIZE, NAME_HELP, NAME_PATTERN

_DEFAULT_MAX_PAYLOAD = 2**20
_DEFAULT_MAX_PENDING = 2**26
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_IMAGE = re.compile(r"[a-z0-9][a-zA-Z0-9._:-]*(/[a-z0-9][a-z0-9._-]*)*", re.ASCII)


def validate(
    name: str,
    spec: NatsClusterSpec,
    version: ServerVersion | None = None,
    *,
    running: bool = False,
) -> tuple[Problem, ...]:
    """Every problem of a cluster; `version` is what it is to run, if more than the spec tells.

    A cluster that is `running` is not refused for doors that contradict each other: it goes on to
    be cared for, and is told of them.
    """
    return (
        *_name(name),
        *out_of_bounds(spec, "spec"),
        *_numbers(spec),
        *_image(spec.server_image),
        *release_problems(spec),
        *_versioned(spec, version or meant_version(spec), running),
        *_durations(spec.nats_config or NatsConfig(), spec.websocket_config or WebsocketConfig()),
        *_policy(spec.service_policy, "spec.servicePolicy"),
        *_policy(spec.management_service_policy, "spec.managementServicePolicy"),
        *pod_problems(name, spec),
        *network_problems(spec),
    )


def _name(name: str) -> Iterator[Problem]:
    if len(name) > MAX_CLUSTER_NAME or not re.fullmatch(NAME_PATTERN, name):
        yield Problem("metadata.name", shown(name), NAME_HELP)


def _numbers(spec: NatsClusterSpec) -> Iterator[Problem]:
    if not 0 <= spec.size <= MAX_SIZE:
        yield Problem("spec.size", str(spec.size), f"is {spec.size}; {SIZE_HELP}")
    seconds = spec.lame_duck_duration_seconds
    if seconds is not None and seconds < MIN_LAME_DUCK:
        message = f"is {seconds}; {LAME_DUCK_HELP}"
        yield Problem("spec.lameDuckDurationSeconds", str(seconds), message)


def _image(image: str) -> Iterator[Problem]:
    plain, *digest = image.split("@", 1)
    *_, last = plain.split("/")
    pinned = all(map(_DIGEST.fullmatch, digest))
    if not pinned or (":" in last and not digest) or not _IMAGE.fullmatch(plain):
        message = (
            f"{shown(image)} is not a valid image; omit the tag, as in docker.io/nats "
            "(spec.version is the tag), or use a digest"
        )
        yield Problem("spec.serverImage", shown(image), message)


def _versioned(spec: NatsClusterSpec, version: ServerVersion, running: bool) -> Iterator[Problem]:
    """What depends on the version."""
    yield from _server_name(spec, version)
    yield from tag_problems(spec, version)
    yield from _payload(spec.nats_config or NatsConfig(), version)
    yield from tls_problems(spec, version)
    yield from auth_problems(spec, version)
    yield from link_problems(spec, version)
    yield from jetstream_problems(spec, version)
    if not running:
        yield from contradictions(spec, version)


def _server_name(spec: NatsClusterSpec, version: ServerVersion) -> Iterator[Problem]:
    if spec.use_server_name and not version.knows_server_name:
        message = (
            f"nats-server {version} does not support server "
            "names; omit useServerName, or use version 2.1.2 or later"
        )
        yield Problem("spec.useServerName", "true", message)


def _payload(config: NatsConfig, version: ServerVersion) -> Iterator[Problem]:
    payload = config.max_payload or _DEFAULT_MAX_PAYLOAD
    pending = config.max_pending or _DEFAULT_MAX_PENDING
    if version.checks_payload and payload > pending:
        given = "maxPayload" if config.max_payload else "maxPending"
        message = (
            f"maxPayload ({payload}) is more than maxPending ({pending}), "
            f"which nats-server {version} rejects; lower maxPayload or raise maxPending"
        )
        yield Problem(f"spec.natsConfig.{given}", str(getattr(config, _SNAKE[given])), message)


_SNAKE = {"maxPayload": "max_payload", "maxPending": "max_pending"}


def _durations(config: NatsConfig, websocket: WebsocketConfig) -> Iterator[Problem]:
    yield from _duration(config.write_deadline, "spec.natsConfig.write_deadline")
    yield from _duration(websocket.handshake_timeout, "spec.websocketConfig.handshakeTimeout")


def _duration(text: str | None, path: str) -> Iterator[Problem]:
    try:
        parse_duration(text or "0")
    except ValueError as error:
        yield Problem(path, shown(text), str(error))


def _policy(policy: ServicePolicy | None, path: str) -> Iterator[Problem]:
    if policy is not None:
        yield from label_problems(policy.labels, f"{path}.labels")
        yield from key_problems(policy.annotations, f"{path}.annotations")
