"""Tells what steps take away before they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.controllers.cluster.events import Event
from natsctl.controllers.cluster.recorder import Recorder
from natsctl.plan.notices import Notice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from natsctl.model.objects import Cluster
    from natsctl.plan.actions import Action


@attrs.define
class Announcer:
    """Records the notices of steps, each once: a step that has to be tried again is the same."""

    recorder: Recorder
    _told: frozenset[Notice] = frozenset()

    def announce(self, cluster: Cluster, stage: Iterable[Action]) -> None:
        """Tell what this stage is about to do."""
        due = dict.fromkeys(notice for action in stage for notice in action.notices)
        for notice in due:
            if notice not in self._told:
                type_ = "Warning" if notice.warning else "Normal"
                self.recorder.record(cluster, Event(notice.reason, notice.message, type_))
        self._told = frozenset(due) or self._told
