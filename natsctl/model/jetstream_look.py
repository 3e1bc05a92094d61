"""What all servers of a cluster said of JetStream at about the same time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from natsctl.model.jetstream import JetStreamReport

TOGETHER: Final = 90.0
"""Seconds between two looks after which the first says nothing about the second: one a minute is
enough."""


@attrs.frozen
class Look:
    """One look: `began` is monotonic seconds, before the first server was asked.

    `reports` are by pod uid, one for each server of the cluster; `runs` tells which run of each
    pod was asked (see run_id).
    """

    began: float
    reports: Mapping[str, JetStreamReport] = attrs.field(
        factory=dict, repr=lambda told: f"{len(told)} servers"
    )
    runs: Mapping[str, tuple[object, ...]] = attrs.field(factory=dict)
