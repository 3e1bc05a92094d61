"""The worst of each kind that is accepted holds the event loop for no longer than a moment.

Whoever may write one such object would otherwise decide when the lease is renewed, and how long
everybody else waits.
"""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from natsctl.model import names
from natsctl.model.limits import SPEC_VALUES
from tests.compat import longest_step
from tests.unit.controllers.hostile import (
    OLD,
    STORES,
    Api,
    Json,
    World,
    bugs,
    encoded,
    kubelet,
    manifest,
    secret,
    tls,
)
from tests.unit.pace import allowed, without_what_was_before

pytestmark = pytest.mark.unmeasured

AIM = 0.1
"""Seconds of the processor's, on a quiet machine."""
BUSY = 3.0
"""How much longer the same takes on a busy one, whose caches are cold."""
ROUNDS = 2
"""Lives of the process: what it finds the second time, servers run."""


def cluster(name: str = "c", **spec: Any) -> Json:
    return manifest("NatsCluster", "ns", name, spec={"size": 2, "version": OLD, **spec})


def with_accounts(*more: Json, **auth: Any) -> tuple[Json, ...]:
    return cluster(auth={"enableServiceAccounts": True, **auth}), *more


def role(name: str = "worker", subjects: int = 1) -> Json:
    spec = {"permissions": {"publish": [f"a.b.{n}" for n in range(subjects)]}}
    return manifest("NatsServiceRole", "ns", name, spec=spec, labels={"nats_cluster": "c"})


def account(namespace: str = "ns", name: str = "worker") -> Json:
    return manifest("ServiceAccount", namespace, name)


def users(count: int) -> Json:
    found = [{"username": f"u{n}", "password": "p"} for n in range(count)]
    return secret("ns", "users", auth__json=json.dumps({"users": found}))


def variables(count: int) -> list[Json]:
    return [{"name": f"V{n}", "value": "x"} for n in range(count)]


def neighbours(count: int, variables_each: int) -> tuple[Json, ...]:
    named = [{"cluster": f"n{n}"} for n in range(count)]
    others = (
        cluster(f"n{n}", paused=True, pod={"natsEnv": variables(variables_each)})
        for n in range(count)
    )
    return cluster(extraRoutes=named), *others


def bundle(count: int) -> Json:
    """A certificate with very many authorities beside it."""
    made = tls("ns", "tls", "*.c-mgmt.ns.svc")
    authorities = base64.b64decode(made["data"]["ca.crt"]) * count
    return {**made, "data": {**made["data"], "ca.crt": encoded(authorities)}}


def stray(number: int) -> Json:
    """A pod that somebody labelled as one of the cluster's."""
    labels = {"app": "nats", "nats_cluster": "c"}
    return manifest("Pod", "ns", f"c-{number + 3}", labels=labels, spec={"containers": []})


def volume(number: int) -> Json:
    """A claim that somebody labelled as one of the cluster's, and wrote on."""
    labels = {"app": "nats", "nats_cluster": "c"}
    fields = {f"jetstream.x{n}": "x" * 90 for n in range(30)}
    notes = {
        names.DATA_ANNOTATION: json.dumps({"fields": fields, "limit": number, "size": 999}),
        names.CLAIMS_ANNOTATION: ",".join(f"{n}={number:06x}" for n in range(1, 1000)),
    }
    made = manifest("PersistentVolumeClaim", "ns", f"js-c-{number}", labels=labels, spec={})
    return {**made, "metadata": {**made["metadata"], "annotations": notes}}


def peers(count: int) -> list[Json]:
    return [{"ipBlock": {"cidr": f"10.{n // 256}.{n % 256}.0/24"}} for n in range(count)]


WORST: dict[str, tuple[Json, ...]] = {
    "size": (cluster(size=999),),
    "variables": (cluster(pod={"natsEnv": variables((SPEC_VALUES - 100) // 3)}),),
    "template": (
        cluster(
            template={
                "spec": {
                    "containers": [{"name": "x", "image": "x", "env": variables(1200)}],
                }
            }
        ),
    ),
    "remotes": (
        cluster(leafnodeConfig={"remotes": [{"url": f"nats://h{n}:1"} for n in range(250)]}),
    ),
    "subjects of a role": with_accounts(role(subjects=3900), account()),
    "roles": with_accounts(
        *(role(f"r{n}") for n in range(300)), *(account(name=f"r{n}") for n in range(300))
    ),
    "ServiceAccounts of a role": with_accounts(
        role(subjects=100), *(account(f"ns{n}") for n in range(1000))
    ),
    "users": (cluster(auth={"allowStaticUsers": True, "clientsAuthSecret": "users"}), users(6000)),
    "neighbours": neighbours(30, 1200),
    "certificates": (cluster(tls={"serverSecret": "tls"}), bundle(400)),
    "status": ({**cluster(), "status": {"servers": [{"name": "c-1"} for _ in range(3900)]}},),
    "pods of nobody": (cluster(), *(stray(n) for n in range(500))),
    "volumes": (cluster(size=999, version=STORES, jetstream={}),),
    "volumes of nobody": (
        cluster(size=3, version=STORES, jetstream={}),
        *(volume(n) for n in range(1, 1000)),
    ),
    "peers of a policy": (
        cluster(networkPolicy={"clientsFrom": peers(64), "routesFrom": peers(64)}),
    ),
}


async def live(api: Api) -> None:
    """Some passes of every cluster."""
    world = World(api)
    assert set(await world.watch()) == {"closed"}
    for _ in range(3):
        await asyncio.create_task(world.passes())
    await world.end()
    assert world.actors


@pytest.mark.parametrize("kind", WORST)
def test_the_worst_of_its_kind_holds_nobody_up(kind: str) -> None:
    api, before = Api(), bugs()
    for item in WORST[kind]:
        api.add(item)
    longest = []
    with without_what_was_before():
        for _ in range(ROUNDS):
            with longest_step() as step:
                asyncio.run(live(api))
            longest.append(step())
            kubelet(api)
    assert bugs() == before
    assert max(longest) < allowed(AIM * BUSY)
