"""When the operator's secret was replaced, pods get new seals for what they run already.

Seals tell whether something secret changed. With another secret all of them differ, which says
nothing: without this, every server of every cluster would be reloaded or restarted for it. That
nothing changed is seen by the configuration that was written last: it is what would be written
now, with the user that the pod knows. If it differs, or a reload goes on, a pod counts as changed.
So it is with seals of an earlier natsctl that may not be compared (`natsctl.plan.digests`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from natsctl.model import names
from natsctl.model.slim import comparable
from natsctl.plan.actions import ResealServer
from natsctl.plan.rules.rule import Decision
from natsctl.render.objects.secret import config_secret
from natsctl.render.revision.revision import is_comparable, resealed, stamp_of

if TYPE_CHECKING:
    from natsctl.plan.context import Context
    from natsctl.plan.servers.server import Server
    from natsctl.render.inputs import ConfigInputs
    from natsctl.render.revision.system_stamp import SystemStamp


def reseal_servers(context: Context) -> Decision:
    """Servers whose seals were made with another secret, and whose configuration is the same."""
    desired = context.desired
    inputs = desired.target.inputs
    due = [s for s in context.servers if not s.terminating and _differs(s, inputs)]
    if not due or context.state.holding:
        return Decision()
    same = {stamp: _was_written(context, stamp) for stamp in {_stamp(s) for s in due}}
    return Decision(
        tuple(
            ResealServer(
                name=s.name,
                uid=s.pod.metadata.uid,
                revision=resealed(_annotation(s), desired.revision_of(s.index)),
            )
            for s in due
            if same[_stamp(s)]
        )
    )


def _annotation(server: Server) -> str:
    return server.pod.metadata.annotation(names.REVISION_ANNOTATION) or ""


def _stamp(server: Server) -> SystemStamp:
    return stamp_of(_annotation(server))


def _differs(server: Server, inputs: ConfigInputs) -> bool:
    reloading = server.pod.metadata.annotation(names.KUBELET_SYNCS_ANNOTATION) is not None
    return not reloading and not is_comparable(_annotation(server), inputs)


def _was_written(context: Context, stamp: SystemStamp) -> bool:
    """Whether the Secret holds what would be written now for a user of this stamp."""
    target = context.desired.target
    live = context.state.secrets.get(target.name)
    if live is None:
        return False
    account = stamp.account or target.inputs.account
    inputs = attrs.evolve(target.inputs, system=stamp.user, account=account)
    wanted = comparable(config_secret(attrs.evolve(target, inputs=inputs)), live)["data"]
    data = live.data or {}
    return all(data.get(key) == text for key, text in wanted.items())
