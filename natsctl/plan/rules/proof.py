"""Notes that the servers run the new configuration: from now on that is gone back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.plan.actions import NoteProof
from natsctl.plan.proof import unnoted_proof
from natsctl.plan.rules.owned_objects import differs
from natsctl.plan.rules.rule import Decision
from natsctl.plan.servers.digest import server_digests

if TYPE_CHECKING:
    from natsctl.plan.context import Context
    from natsctl.plan.servers.server import Server


def note_proof(context: Context) -> Decision:
    """At most one action; a Secret of an earlier version is left as it is until it changes."""
    state = context.state
    name = state.cluster.metadata.name
    live = state.secrets.get(name)
    if live is None or state.holding:
        return Decision()
    content = unnoted_proof(live)
    if content is None:
        return Decision()
    wanted = context.desired.config_object
    if differs(wanted, live) or not _proven(context):
        return Decision()
    return Decision((NoteProof(name, live.metadata.uid, content),))


def _proven(context: Context) -> bool:
    """Whether one server reports this configuration, or all were started with it and are well.

    The latter only of servers that cannot report any.
    """
    target = context.desired.target
    digest_of_server = server_digests(target)
    well = [s for s in context.servers if s.current and not s.reloads and not s.pending]
    reports = [_reports(server, digest_of_server(server)) for server in well]
    return True in reports or (False not in reports and 0 < target.spec.size <= len(well))


def _reports(server: Server, expected: str | None) -> bool | None:
    """Whether it reports this digest; None if it reports none, or nobody knows what it would."""
    reported = server.observation.config_digest if server.observation is not None else ""
    return reported == expected if expected and reported else None
