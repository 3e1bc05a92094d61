"""The image that a spec asks for, and which release of nats-server that is."""

from collections.abc import Iterator
from typing import Final

import attrs

from natsctl.api.problems import Problem, shown
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.version import (
    DEFAULT_VERSION,
    RELEASE_HELP,
    VERSION_HELP,
    ServerVersion,
    is_tag,
    number_of,
)

_PINNED: Final = "sha256-"
"""Begins what stands for the tag of an image that is named by its digest alone."""
_SHORT: Final = 12


def meant_version(spec: NatsClusterSpec, kept: str = "") -> ServerVersion:
    """What servers of this spec run; `kept` is the tag they have if the spec names none.

    A release that is told counts before what the tag says. Never raises: `release_problems` tells
    what is no good, and here it counts as not given.
    """
    release = spec.server_version if number_of(spec.server_version or "") else None
    if spec.version and is_tag(spec.version):
        return (
            ServerVersion.of_release(spec.version, release)
            if release
            else ServerVersion.parse(spec.version)
        )
    known = _kept(spec.server_image, kept)
    return ServerVersion.of_release(known.text, release) if release else known


def release_problems(spec: NatsClusterSpec) -> Iterator[Problem]:
    """What is wrong with the version, and with the release that is told."""
    if spec.version and not is_tag(spec.version):
        message = f"{shown(spec.version)} is not a valid tag; {VERSION_HELP}"
        yield Problem("spec.version", shown(spec.version), message)
    if spec.server_version and number_of(spec.server_version) is None:
        message = f"{shown(spec.server_version)} is not a release; {RELEASE_HELP}"
        yield Problem("spec.serverVersion", shown(spec.server_version), message)


def _kept(image: str, kept: str) -> ServerVersion:
    """The version where the spec names none; of a digest nobody knows what is in it."""
    plain, _, digest = image.partition("@")
    usable = kept if is_tag(kept) and not kept.startswith(_PINNED) else ""
    if not digest:
        return ServerVersion.parse(usable or DEFAULT_VERSION)
    tag = plain.rpartition("/")[2].partition(":")[2]
    if is_tag(tag):
        known = ServerVersion.parse(tag)
        return attrs.evolve(known, text=usable or known.text)
    return ServerVersion(usable or _PINNED + digest.partition(":")[2][:_SHORT], None)
