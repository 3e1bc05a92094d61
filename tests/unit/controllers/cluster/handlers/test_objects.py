"""How an object that others wrote to as well is put right."""

from __future__ import annotations

from typing import Any

import pytest

from natsctl.controllers.cluster.handlers.objects import own_by_apply, repair

PORTS = [{"name": "client", "port": 4222}]


def test_ownership_moves_only_from_our_own_post() -> None:
    def live(*entries: dict[str, str]) -> dict[str, object]:
        return {"metadata": {"resourceVersion": "5", "managedFields": list(entries)}}

    post = {"manager": "natsctl", "operation": "Update"}
    assert own_by_apply(live(post))[1]["path"] == "/metadata/managedFields/0/operation"
    assert own_by_apply(live({"manager": "kubectl", "operation": "Update"})) == []
    assert own_by_apply(live(post, {"manager": "natsctl", "operation": "Apply"})) == []
    assert own_by_apply(live(post | {"subresource": "status"})) == []
    assert own_by_apply({"metadata": {"resourceVersion": "5"}}) == []


@pytest.mark.parametrize(
    ("live", "path"),
    [
        ({"ports": [*PORTS, {"name": "mine", "port": 1}], "selector": {"app": "nats"}}, "ports"),
        ({"ports": PORTS, "selector": {"app": "nats", "more": "x"}}, "selector"),
    ],
)
def test_ports_and_selectors_that_others_added_to_are_replaced(live: Any, path: str) -> None:
    wanted = {"spec": {"ports": PORTS, "selector": {"app": "nats"}}}
    [patch] = repair({"metadata": {}, "spec": live}, wanted)
    assert patch == {"op": "add", "path": f"/spec/{path}", "value": wanted["spec"][path]}


def test_what_is_right_or_not_ours_to_say_is_left_alone() -> None:
    wanted = {"spec": {"ports": PORTS, "selector": {"app": "nats"}}}
    live = {"metadata": {}, "spec": wanted["spec"] | {"sessionAffinity": "ClientIP"}}
    assert repair(live, wanted) == []
    assert repair({"metadata": {}, "data": {"a": "b"}}, {"data": {"a": "c"}}) == []


def test_a_new_configuration_takes_back_what_was_said_of_a_refused_one() -> None:
    live = {"metadata": {"annotations": {"nats.io/refused": "1 no"}}}
    [patch] = repair(live, {})
    assert patch == {"op": "remove", "path": "/metadata/annotations/nats.io~1refused"}
