import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.render.config.conf import boot_text, config_text, json_text, server_config
from natsctl.render.target import Target
from tests.unit.render.targets import TARGETS, target

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(st.dictionaries(st.text(), VALUES))
def test_characters_stand_for_themselves_and_every_item_has_its_own_line(
    config: dict[str, Any],
) -> None:
    """To the byte as Python indents: another text would be a reload of all servers."""
    assert json_text(config) == json.dumps(config, indent=2, ensure_ascii=False) + "\n"


def test_a_cluster_knows_all_its_servers() -> None:
    assert server_config(target()) == {
        "port": 4222,
        "http_port": 8222,
        "cluster": {
            "name": "c",
            "port": 6222,
            "routes": [
                "nats://c-1.c-mgmt.ns.svc:6222",
                "nats://c-2.c-mgmt.ns.svc:6222",
                "nats://c-3.c-mgmt.ns.svc:6222",
            ],
        },
        "logtime": True,
    }


@pytest.mark.parametrize("size", [0, 1, 16])
def test_there_is_one_route_for_every_server(size: int) -> None:
    routes = server_config(target(size=size))["cluster"]["routes"]
    assert routes == [f"nats://c-{i}.c-mgmt.ns.svc:6222" for i in range(1, size + 1)]


def test_extra_routes_follow_and_leave_the_cluster_without_a_name_of_its_own() -> None:
    extra = [{"cluster": "a"}, {"route": "nats://127.0.0.1:6222"}]
    assert server_config(target("b", size=1, extraRoutes=extra))["cluster"] == {
        "port": 6222,
        "routes": ["nats://b-1.b-mgmt.ns.svc:6222", "nats://a-mgmt:6222", "nats://127.0.0.1:6222"],
    }


def test_servers_that_join_a_cluster_of_a_known_name_have_it_from_the_start() -> None:
    extra = [{"cluster": "a"}]
    assert server_config(target("b", joined="a", extraRoutes=extra))["cluster"]["name"] == "a"
    old = target("b", joined="a", extraRoutes=extra, version="2.1.9")
    assert "name" not in server_config(old)["cluster"]
    gateway = {"name": "g", "hostPort": 7522}
    led = target("b", joined="a", extraRoutes=extra, gatewayConfig=gateway)
    assert server_config(led)["cluster"]["name"] == "g"


def test_a_running_cluster_keeps_its_name_or_the_lack_of_it_when_routes_change() -> None:
    extra = [{"cluster": "a"}]
    assert server_config(target(named=True, extraRoutes=extra))["cluster"]["name"] == "c"
    assert (
        "nats://a-mgmt:6222"
        in server_config(target(named=True, extraRoutes=extra))["cluster"]["routes"]
    )
    assert "name" not in server_config(target(named=False))["cluster"]
    assert "name" not in server_config(target(named=True, version="2.1.9"))["cluster"]


def test_every_setting_is_passed_on_in_the_order_of_the_older_operator() -> None:
    config = server_config(
        target(
            natsConfig={
                "debug": True,
                "trace": True,
                "write_deadline": "10s",
                "maxConnections": 10,
                "maxPayload": 128,
                "maxPending": 65536,
                "maxSubscriptions": 200,
                "maxControlLine": 2048,
                "disableLogtime": True,
            },
            lameDuckDurationSeconds=30,
        )
    )
    assert list(config) == [
        "port",
        "http_port",
        "cluster",
        "debug",
        "trace",
        "logtime",
        "write_deadline",
        "max_connections",
        "max_control_line",
        "max_payload",
        "max_pending",
        "max_subscriptions",
        "lame_duck_duration",
    ]
    assert config["logtime"] is False
    assert config["write_deadline"] == "10s"
    assert config["max_payload"] == 128
    assert config["lame_duck_duration"] == "30s"


def test_zero_is_the_servers_own_default() -> None:
    assert "max_payload" not in server_config(target(natsConfig={"maxPayload": 0}))


@pytest.mark.parametrize(
    ("version", "named"), [("2.1.9", False), ("2.2.0", True), ("nightly", True)]
)
def test_a_cluster_is_named_where_the_server_knows_names(version: str, named: bool) -> None:
    assert ("name" in server_config(target(version=version))["cluster"]) is named


def test_a_server_takes_its_name_from_the_environment() -> None:
    assert boot_text(target()) == 'server_name: $SERVER_NAME\ninclude "nats.conf"\n'


def test_a_server_that_knows_no_names_is_given_none() -> None:
    assert boot_text(target(version="2.0.0")) == 'include "nats.conf"\n'


@given(TARGETS)
def test_the_text_is_json_without_what_nats_server_misreads(target: Target) -> None:
    text = config_text(target)
    assert json.loads(text) == server_config(target)
    assert not re.search(r"\\[^nrt\"\\]", text), "an escape that the server does not know"
    without_texts = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    assert not re.search(r"\d\]", without_texts), "a number right before a bracket"
    assert text.isprintable() or set(text) - {"\n"} == set(filter(str.isprintable, text))
    assert all(_plain(value) for value in _values(server_config(target)))


def _values(value: Any) -> list[Any]:
    inner = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    )
    return [value] if inner is None else [leaf for item in inner for leaf in _values(item)]


def _plain(value: Any) -> bool:
    """Neither null, which becomes a text, nor a number with an exponent."""
    return type(value) in (bool, int, str) or (type(value) is float and "e" not in repr(value))
