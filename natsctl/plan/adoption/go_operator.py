"""Clusters that the Go operator made: its pods go on as they are until they are restarted anyway.

Its pods lack the label that says who manages them, and count in hexadecimal
(`natsctl.model.server_identity`). What natsctl knows
of them is a revision that they get when they are seen for the first time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.model import names
from natsctl.render.config.conf import own_name
from natsctl.render.config.system_account import has_system
from natsctl.render.revision.revision import adopted, is_adopted, revision_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from natsctl.model.objects import Pod
    from natsctl.render.target import Target


def is_taken_over(pod: Pod) -> bool:
    """Whether the Go operator made the pod; a lost label alone does not say so."""
    if pod.metadata.label(names.LABEL_K8S_MANAGED_BY) == names.MANAGED_BY:
        return False
    stamped = pod.metadata.annotation(names.REVISION_ANNOTATION)
    return stamped is None or is_adopted(stamped)


def revision_of(pod: Pod, revision: Mapping[str, str]) -> str:
    """A pod's annotation once it runs this revision."""
    if not is_taken_over(pod):
        return revision_text(revision)
    return revision_text(adopted(revision, pod.metadata.label(names.LABEL_VERSION)))


def is_renewed(target: Target) -> bool:
    """Whether servers get what the Go operator's never had and no reload brings."""
    return has_system(target) or own_name(target)
