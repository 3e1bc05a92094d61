"""What each tier of tests needs: made in a step of its own, so that no test waits for a build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testbed import (
    build,
    cert_manager,
    components,
    control_plane,
    debian,
    faketime,
    images,
    nats_ops,
    network_policies,
    own_image,
    prometheus,
    prometheus_operator,
)
from testbed.layout import TestbedError
from testbed.options import Options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def _helm() -> None:
    build.program("helm")


def _servers() -> None:
    build.everything(f"nats-server-{version}" for version in components.NATS_SERVERS)


def _control_plane() -> None:
    build.everything(["pause", "etcd", "kubernetes", "kwok"])
    control_plane.api_server()
    debian.ensure(Options(nodes=0, control_plane_only=True))


def _testbed() -> None:
    build.everything()
    debian.ensure(Options())
    images.every()


def _own_images() -> None:
    for name in own_image.NAMES:
        own_image.archive(name)


def _go_operator() -> None:
    build.program("nats-operator")


_NODES = (_testbed, _own_images, cert_manager.prepare, network_policies.prepare)
STOCK: Mapping[str, tuple[Callable[[], object], ...]] = {
    "unit": (_helm,),
    "server": (_servers, prometheus.prepare),
    "integration": (_control_plane, faketime.prepare),
    "testbed": _NODES,
    "e2e": (
        *_NODES,
        nats_ops.archive,
        prometheus.prepare,
        prometheus_operator.prepare,
        _go_operator,
    ),
}
"""Tier -> what makes its programs, packages and images; each takes no time if they are there."""


def prepare(tiers: Iterable[str] = ()) -> None:
    """Make what these tiers need; all if none is named. Raises TestbedError if that fails."""
    for tier in tuple(tiers) or STOCK:
        if tier not in STOCK:
            raise TestbedError(f"unknown tier {tier!r}; there are: {', '.join(STOCK)}")
        for make in STOCK[tier]:
            make()
