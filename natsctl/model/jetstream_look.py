"""What all servers of a cluster said of JetStream at about the same time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from natsctl.model.jetstream import JetStreamReport

TOGETHER: Final = 90.0
"""Seconds from the end of one look to the next one after which the first says nothing about the
second: one a minute is enough."""


class Times:
    """When servers were asked in one look, and when they answered, in seconds of one clock."""

    __slots__ = ()
    began: float
    reports: Mapping[str, JetStreamReport]

    @property
    def ended(self) -> float:
        """When the last of them had answered, or was given up."""
        times = (said.heard for said in self.reports.values())
        return max([self.began, *filter(None, times)])

    @property
    def spread(self) -> float:
        """Seconds between the first answer and the last one."""
        times = [said.heard for said in self.reports.values() if said.heard and not said.problem]
        return max(times) - min(times) if times else 0.0


@attrs.frozen
class Look(Times):
    """One look: `began` is monotonic seconds, before the first server was asked.

    `reports` are by pod uid, one for each server of the cluster; `runs` tells which run of each
    pod was asked (see run_id).
    """

    began: float
    reports: Mapping[str, JetStreamReport] = attrs.field(
        factory=dict, repr=lambda told: f"{len(told)} servers"
    )
    runs: Mapping[str, tuple[object, ...]] = attrs.field(factory=dict)
