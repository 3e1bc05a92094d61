"""Which servers the operator's requests to a whole cluster go through."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from natsctl.controllers.cluster.connections import doors
from natsctl.controllers.cluster.identity import Identity
from natsctl.controllers.cluster.reconciler import ClusterReconciler, ControllerContext
from natsctl.controllers.watch.stores import open_stores
from natsctl.model.objects import Cluster, Meta
from natsctl.model.observation import Observation
from natsctl.nats.monitoring import Monitor
from natsctl.nats.nkey import Key
from natsctl.nats.session import Door, Session
from natsctl.render.inputs import Images
from tests.unit.plan.world import answers, cluster_state, pod, running, terminating

THREE = {"size": 3}


def test_every_healthy_server_is_one_by_index() -> None:
    state = running(THREE)
    assert doors(state) == tuple(Door(f"10.0.0.{i}", f"pod-{i}-0") for i in (1, 2, 3))


def test_one_that_is_going_or_does_not_answer_is_none() -> None:
    pods = (pod(1, THREE), terminating(pod(2, THREE)), pod(3, THREE), pod(4, THREE))
    observations = answers(pods[0], pods[1]) | {"pod-3-0": Observation(problem="silent")}
    state = cluster_state(THREE, pods, observations)
    assert [door.server_id for door in doors(state)] == ["pod-1-0"]


def test_the_key_is_of_the_cluster_as_it_is_and_the_connection_ends_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forgotten: list[object] = []
    identity = Identity(Key.generate().seed)
    stores = open_stores(lambda key: None)
    stores.clusters.put(Cluster(Meta(name="c", namespace="ns", uid="u")))
    gatherer = SimpleNamespace(identity=identity, forget=forgotten.append)
    shared = ControllerContext(
        client=cast("Any", None),
        stores=stores,
        monitor=Monitor(),
        recorder=cast("Any", None),
        turns=cast("Any", None),
        gatherer=cast("Any", gatherer),
        images=Images(),
        namespaces=None,
        installation="",
    )
    reconciler = ClusterReconciler(("ns", "c"), shared)
    assert reconciler.session.key() == identity.key_of("u")
    ended: list[Session] = []
    monkeypatch.setattr(Session, "close", lambda session: ended.append(session))
    reconciler.forget()
    assert (forgotten, ended) == ([("ns", "c")], [reconciler.session])
