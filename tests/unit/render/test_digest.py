from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.render.config.conf import server_config
from natsctl.render.digest import config_digest, expected_digests
from tests.unit.render.targets import target


# Printed by `nats-server -t` of 2.11.17 and of 2.14.5.
def test_the_digest_is_the_servers() -> None:
    config = {"port": 4222, "server_name": "c-1", "authorization": {"users": [
        {"user": "a<b>&\u2028", "password": "p"}]}}  # fmt: skip
    assert config_digest(config) == DIGEST


DIGEST = "sha256:4228f0a5eaee42b4f1417d382ecdb641e49f459a1b7a867a9cb58b1ad59016b1"


@given(st.dictionaries(st.text(), st.integers()))
def test_the_order_of_keys_makes_no_difference(config: dict[str, int]) -> None:
    assert config_digest(config) == config_digest(dict(reversed(config.items())))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"natsConfig": {"write_deadline": "5s"}},
        {"websocketConfig": {"port": 8080}, "clusterName": "\u2028<other>"},
    ],
)
def test_the_name_of_a_server_counts(fields: dict[str, Any]) -> None:
    cluster = target(**fields)
    assert expected_digests(cluster)("c-1") == config_digest(
        {**server_config(cluster), "server_name": "c-1"}
    )
    assert expected_digests(cluster)("c-1") != expected_digests(cluster)("c-2")


@given(st.text())
def test_what_servers_have_in_common_is_encoded_once(name: str) -> None:
    cluster = target(natsConfig={"write_deadline": "5s"})
    whole = {**server_config(cluster), "server_name": name}
    assert expected_digests(cluster)(name) == config_digest(whole)


@pytest.mark.parametrize(
    "fields",
    [
        {"version": "2.10.29"},
        {"auth": {"clientsAuthFile": "users.json"}},
        {"pod": {"advertiseExternalIP": True}},
        {"serverTagsFromNode": ["topology.kubernetes.io/zone"]},
        {"pod": {"natsEnv": [{"name": "SERVER_NAME", "value": "$(A)"}]}},
        {"template": {"spec": {"containers": [{"env": [{"name": "SERVER_NAME"}]}]}}},
    ],
)
def test_what_only_the_pod_knows_has_no_digest(fields: dict[str, Any]) -> None:
    assert expected_digests(target(**fields))("c-1") is None
