"""Which user of the operator's a cluster is to know."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest

from natsctl.controllers.cluster.gather import Gatherer
from natsctl.controllers.cluster.identity import Identity
from natsctl.controllers.watch.dependencies import Dependencies
from natsctl.controllers.watch.secret_cache import SecretCache
from natsctl.controllers.watch.service_accounts import ServiceAccounts
from natsctl.controllers.watch.stores import open_stores
from natsctl.kube.client import Client
from natsctl.model.objects import Cluster, Meta, Secret
from natsctl.nats.nkey import Key
from natsctl.render.objects.owned_objects import owned_objects
from tests.unit.plan.reloading import THREE, goal_of

SEED = Key.generate().seed
GOAL = goal_of(THREE)


async def user(identity: Identity, uid: str = GOAL.uid, *, known: bool = True) -> str:
    stores = open_stores(lambda key: None)
    if known:
        stores.clusters.put(Cluster(Meta(name=GOAL.name, namespace=GOAL.namespace, uid=uid)))
    made = next(m for m in owned_objects(GOAL) if m["kind"] == "Secret")
    stores.secrets.put(msgspec.convert(made, Secret))
    gatherer = Gatherer(
        client=cast("Client", None),
        stores=stores,
        secret_cache=SecretCache(lambda key: None),
        accounts=cast("ServiceAccounts", None),
        links=Dependencies(),
        identity=identity,
    )
    return gatherer.user_of((GOAL.namespace, GOAL.name))


async def test_one_of_its_own_by_its_uid() -> None:
    found = [await user(Identity(SEED), uid) for uid in ("a", "b", "a")]
    assert found == [Identity(SEED).key_of(uid).public for uid in ("a", "b", "a")]
    assert len(set(found)) == 2


async def test_none_without_a_secret_to_derive_it_from() -> None:
    assert await user(Identity()) == ""


@pytest.mark.parametrize("identity", [Identity(), Identity(SEED)])
async def test_none_where_the_cluster_is_gone(identity: Identity) -> None:
    assert await user(identity, known=False) == ""
