"""Which release servers run where the tag of their image does not say it: they tell themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from natsctl.api.version import Number, is_tag, number_of
from natsctl.model import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from natsctl.api.types.status import ClusterStatus
    from natsctl.api.version import ServerVersion
    from natsctl.model.objects import Pod
    from natsctl.model.observation import Observation

# No release before it is taken for that of an image which nobody knows anything of.
_PLAUSIBLE: Final = (2, 9, 0)


@attrs.frozen
class Report:
    """The tag that a pod was made for, and what its server last said of its version."""

    tag: str
    version: str = ""

    @property
    def number(self) -> Number | None:
        """The release, if it is one."""
        return number_of(self.version)


def tag_of(pod: Pod) -> str:
    """The tag that a pod was made for; its label may be cut. Anybody may have edited both."""
    meta = pod.metadata
    whole = meta.annotation(names.ANNOTATION_VERSION) or ""
    return whole if is_tag(whole) else meta.label(names.LABEL_VERSION) or ""


def reports_of(
    pods: Iterable[Pod], before: ClusterStatus, observations: Mapping[str, Observation]
) -> tuple[Report, ...]:
    """Of all pods; where the server has not answered since, what the status says it said.

    Each that several say alike is there once: whoever counts pods counts them.
    """
    versions = {server.name: server.version for server in before.servers}
    reports = {
        Report(
            tag_of(pod),
            (seen.version if (seen := observations.get(pod.metadata.uid)) else "")
            or versions.get(pod.metadata.name, ""),
        )
        for pod in pods
    }
    return tuple(sorted(reports, key=lambda report: (report.tag, report.version)))


def learned(version: ServerVersion, reports: Iterable[Report]) -> ServerVersion:
    """A version of which nobody knows the release, with the oldest that its servers report.

    Until one of them does, with that of the servers there are: few go back by an unknown image.
    """
    if not version.guessed:
        return version
    known = [(report.tag, report.number) for report in reports if report.number]
    same = [number for tag, number in known if tag == version.text]
    others = [number for _, number in known if number >= _PLAUSIBLE]
    return attrs.evolve(version, number=min(same or others, default=None))
