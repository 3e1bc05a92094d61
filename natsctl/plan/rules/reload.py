"""Servers take up a changed configuration without a restart wherever they can.

One server first: a configuration that it refuses reaches no other. Changes of nothing but routes
wait until no server comes or goes, so that one that leaves keeps its routes to the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from natsctl.model import names
from natsctl.model.server_address import address_of
from natsctl.plan.actions import ReloadServer
from natsctl.plan.adoption.go_operator import revision_of
from natsctl.plan.rules.rule import Decision, Progress, Rank, names_of, waits
from natsctl.plan.servers.digest import server_digests
from natsctl.plan.servers.server import (
    Server,
    can_ask,
    describe_changes,
    has_reloader,
    kubelet_ready,
)
from natsctl.render.config import tls
from natsctl.render.revision.effects import NON_ROLLING

if TYPE_CHECKING:
    from natsctl.plan.context import Context


PATIENCE = 30.0
"""Seconds that a sidecar has to itself."""


def reload_servers(context: Context) -> Decision:
    """The servers to reload now."""
    due = _reloading_servers(context)
    if not due:
        return Decision()
    done = any(_is_done(context, s) for s in context.servers)
    first = not done and not has_reloader(due[0].pod)
    digest = server_digests(context.desired.target)
    now = due[:1] if first else due
    actions = tuple(_action(context, server, digest(server)) for server in now)
    return Decision(actions, servers=due)


def _message(decision: Decision) -> str:
    changes = describe_changes(decision.servers[0].reloads)
    return f"reloading {names_of(decision.servers)}: {changes} changed{waits(decision)}"


PROGRESS: Final = Progress("Reloading", _message, Rank.LAST)


def _reloading_servers(context: Context) -> tuple[Server, ...]:
    """Servers that run an older configuration and can take up the new one, by index."""
    servers = context.servers
    moving = len(servers) != context.size or any(s.terminating or s.ended for s in servers)
    return tuple(
        s
        for s in servers
        if s.reloads and _can_be_asked(s) and not (moving and NON_ROLLING.issuperset(s.reloads))
    )


def _is_done(context: Context, server: Server) -> bool:
    """Whether it took this configuration by a reload.

    One that was made for it proves nothing: it may have started with what was there before.
    """
    asked = context.desired.is_config(server.pod.metadata.annotation(names.CONFIG_ANNOTATION))
    return asked and _can_be_asked(server) and not server.reloads and not server.changes


def _can_be_asked(server: Server) -> bool:
    seen = server.observation
    return not server.terminating and kubelet_ready(server.pod) and bool(seen and seen.server_id)


def asks_itself(context: Context, server: Server) -> bool:
    """Whether the operator asks: there is no sidecar, or it does not seem to get anywhere.

    A sidecar cannot tell what a server said; the operator's question brings the words.
    """
    if not has_reloader(server.pod):
        return True
    return context.state.quiet > PATIENCE and can_ask(server.pod, context.desired)


def _action(context: Context, server: Server, digest: str | None) -> ReloadServer:
    assert server.observation is not None
    desired = context.desired
    renewed = "tls.certificates" in server.reloads
    certificates = desired.resolved.certificates if renewed else ()
    secrets = sorted(set(tls.secrets(desired.target.spec).values())) if renewed else ()
    return ReloadServer(
        name=server.name,
        uid=server.pod.metadata.uid,
        address=address_of(server.pod),
        server_id=server.observation.server_id,
        config=desired.config,
        revision=revision_of(server.pod, desired.revision_of(server.index)),
        digest=digest,
        expiries=tuple((c.listener, c.not_after) for c in certificates),
        secrets=tuple(secrets),
        asks=asks_itself(context, server),
        message=f"{server.name} reloaded: {describe_changes(server.reloads)} changed",
        formerly=desired.former_configs,
    )
