"""The CRDs of the Prometheus Operator; its controller runs nowhere here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testbed import components, toolchain

if TYPE_CHECKING:
    from pathlib import Path

LABEL = "prometheus-operator"
MODULE = f"github.com/{LABEL}/{LABEL}"


def prepare() -> None:
    """Fetch them. Inside a testbed no module proxy is reachable: call this before.

    Raises TestbedError if that fails; takes no time if they are there.
    """
    crd("servicemonitors")


def crd(plural: str) -> Path:
    """The manifest of one, such as `servicemonitors`."""
    folder = toolchain.module(MODULE, components.MODULES / LABEL)
    return folder / "example" / "prometheus-operator-crd" / f"monitoring.coreos.com_{plural}.yaml"
