"""Looks at the servers of a cluster as the planning layer sees it."""

from __future__ import annotations

import attrs

from natsctl.model.jetstream_look import Look as TakenLook
from natsctl.model.server_identity import server_name, server_name_of
from natsctl.plan.servers.server import runs_of
from natsctl.plan.state import ClusterState
from tests.unit.plan.gates.world import World
from tests.unit.plan.world import NAME, UID

NAMES = {f"nats-{index}": server_name(NAME, UID, index) for index in range(1, 41)}


@attrs.define
class Named(World):
    """The toy cluster with the names that natsctl gives to servers."""

    meta_leader: str = NAMES["nats-1"]

    @property
    def names(self) -> list[str]:
        return [NAMES[f"nats-{n}"] for n in range(1, self.size + 1)]


def looked(state: ClusterState, world: World, seconds: float = 0.5) -> ClusterState:
    """The same so many seconds after the second of two looks; all answers are as old.

    A server that calls itself something else reports as the one in whose place it is.
    """
    places = {p.metadata.uid: n for n, p in zip(world.names, state.pods, strict=False)}
    looks = []
    for _ in range(2):
        look = world.look()
        names = {p.metadata.uid: server_name_of(p) or "" for p in state.pods}
        told = {
            uid: look.reports[name if name in look.reports else places[uid]]
            for uid, name in names.items()
        }
        looks.append(TakenLook(look.began, told, runs_of(state.pods)))
    asked = looks[-1].began
    seen = {uid: attrs.evolve(it, asked=asked) for uid, it in state.observations.items()}
    return attrs.evolve(state, jetstream=tuple(looks), now=asked + seconds, observations=seen)
