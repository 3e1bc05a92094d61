"""Where servers are asked, and what they call themselves, as their own pods tell it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from natsctl.model import names
from natsctl.model.objects import Meta, Pod
from natsctl.model.server_address import address_of, server_name_of
from natsctl.model.slim import slim
from natsctl.render.identity import server_name
from natsctl.render.pod.pod import pod as render_pod
from tests.unit.render.targets import target


def pod(*env: Any, address: str | None = None, **container: Any) -> Pod:
    containers = [
        {"name": "sidecar", "env": [{"name": names.SERVER_NAME_ENV, "value": "none"}]},
        {"name": names.SERVER_CONTAINER, "env": list(env), **container},
    ]
    return msgspec.convert(
        {
            "metadata": {"name": "c-1"},
            "spec": {"containers": containers},
            "status": {"podIP": address},
        },
        Pod,
    )


def named(value: str) -> dict[str, str]:
    return {"name": names.SERVER_NAME_ENV, "value": value}


POD_NAME = {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
NODE = {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
SECRET = {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}


class TestAddress:
    @pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.2", "fd00::1", "2001:db8::1"])
    def test_a_pod_has_one(self, address: str) -> None:
        assert address_of(pod(address=address)) == address

    @pytest.mark.parametrize(
        "address",
        [
            None,
            "",
            "not an address",
            "kubernetes.default.svc",
            "10.0.0.1:80",
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "0.0.0.0",
            "::",
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fe80::1%eth0",
            "2001:db8::1%lo",
            "224.0.0.1",
            "ff02::1",
        ],
    )
    def test_what_no_pod_can_have_is_not_connected_to(self, address: str | None) -> None:
        assert address_of(pod(address=address)) == ""


class TestName:
    @pytest.mark.parametrize(
        ("env", "name"),
        [
            ([named('"c-1"')], "c-1"),
            ([named("c-1")], "c-1"),
            ([POD_NAME, named('"east-$(POD_NAME)"')], "east-c-1"),
            ([named("east-$(POD_NAME)"), POD_NAME], "east-$(POD_NAME)"),
            ([POD_NAME, named("$$(POD_NAME)")], "$(POD_NAME)"),
            ([{"name": "A", "value": "a"}, named("$(A)-$(B)")], "a-$(B)"),
            ([named("first"), named("second")], "second"),
        ],
    )
    def test_is_what_the_kubelet_makes_of_the_environment(self, env: list[Any], name: str) -> None:
        assert server_name_of(pod(*env)) == name

    @pytest.mark.parametrize(
        "env",
        [
            [],
            [named("")],
            [named('"a\\"b"')],
            [NODE, named("$(NODE)")],
            [SECRET, named("$(SECRET)")],
            [SECRET, {"name": "A", "value": "$(SECRET)"}, named("$(A)")],
            [{**SECRET, "name": names.SERVER_NAME_ENV}],
        ],
    )
    def test_is_not_known_where_the_pod_does_not_tell(self, env: list[Any]) -> None:
        assert server_name_of(pod(*env)) is None

    def test_is_not_known_where_arguments_may_give_another(self) -> None:
        assert server_name_of(pod(named("c-1"), args=["-n", "other"])) is None

    def test_is_not_known_of_a_pod_without_a_server(self) -> None:
        assert server_name_of(Pod(Meta())) is None

    def test_is_known_of_every_pod_that_natsctl_makes(self) -> None:
        made = msgspec.convert(render_pod(target(), 1), Pod)
        assert server_name_of(made) == server_name(target(), 1)

    @pytest.mark.parametrize(
        ("env", "name"),
        [
            ([POD_NAME, named("east-$(POD_NAME)")], "east-c-1"),
            ([named("n" * 9999)], None),
            ([{"name": "A", "value": "a" * 9999}, named("$(A)")], None),
            ([{"name": "A" * 9999, "value": "a"}, named("c-1")], "c-1"),
        ],
    )
    def test_is_known_from_what_is_kept_of_a_pod_which_is_little(
        self, env: list[Any], name: str | None
    ) -> None:
        kept = slim(pod(*env))
        assert server_name_of(kept) == name
        assert len(msgspec.json.encode(kept)) < 2000

    def test_is_not_known_from_what_is_kept_where_arguments_may_give_another(self) -> None:
        assert server_name_of(slim(pod(named("c-1"), args=["-n", "x" * 9999]))) is None
