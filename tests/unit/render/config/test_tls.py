from typing import Any

import pytest

from natsctl.api.fields import Json
from natsctl.api.parse import parse_spec
from natsctl.render.config import tls
from natsctl.render.inputs import ConfigInputs, Files
from tests.unit.render.targets import target

NAMES = ["clients", "routes", "gateways", "leafnodes", "websocket"]
FIELDS = ["serverSecret", "routesSecret", "gatewaySecret", "leafnodeSecret", "websocketSecret"]
EVERY = dict(zip(FIELDS, "abcde", strict=True))
TLS_KEYS = ("tls.crt", "tls.key", "ca.crt")
CERT_MANAGERS = Files("tls.crt", "tls.key", "ca.crt")
# Listeners that get along without a CA, and those that check the other side's certificates.
ONE_SIDED, MUTUAL = ("clients", "leafnodes", "websocket"), ("routes", "gateways")


def choose(
    listener: str, *keys: str, kind: str = "Opaque", auth: Any = None, **fields: Any
) -> Files | tuple[str, ...]:
    spec = parse_spec({"size": 1, "tls": {**EVERY, **fields}, "auth": auth})
    return tls.choose_files(spec, listener, keys, kind)


def block(listener: str, files: Files | None = None, auth: Any = None, **fields: Any) -> Any:
    inputs = ConfigInputs(files={listener: files} if files else {})
    cluster = target(inputs=inputs, tls={**EVERY, **fields}, auth=auth)
    return tls.tls_block(cluster, listener)["tls"]


def test_every_listener_has_a_secret_of_its_own() -> None:
    assert [listener.name for listener in tls.LISTENERS] == NAMES
    assert tls.secrets(parse_spec({"size": 1, "tls": EVERY})) == dict(
        zip(NAMES, "abcde", strict=True)
    )
    assert tls.secrets(parse_spec({"size": 1, "tls": {"routesSecret": "r"}})) == {"routes": "r"}
    assert tls.secrets(parse_spec({"size": 1})) == {}


@pytest.mark.parametrize(
    ("listener", "mount", "cert"),
    [
        ("clients", "/etc/nats-server-tls-certs", "server"),
        ("routes", "/etc/nats-routes-tls-certs", "route"),
        ("gateways", "/etc/nats-gateways-tls-certs", "server"),
        ("leafnodes", "/etc/nats-leafnodes-tls-certs", "server"),
        ("websocket", "/etc/nats-websocket-tls-certs", "server"),
    ],
)
def test_files_are_where_the_older_operator_had_them(listener: str, mount: str, cert: str) -> None:
    assert block(listener) == {
        "ca_file": f"{mount}/ca.pem",
        "cert_file": f"{mount}/{cert}.pem",
        "key_file": f"{mount}/{cert}-key.pem",
    }


def test_a_listener_without_a_secret_is_not_encrypted() -> None:
    assert tls.tls_block(target(), "clients") == {}
    assert tls.tls_block(target(tls={"routesSecret": "r"}), "clients") == {}


@pytest.mark.parametrize(("listener", "field"), [*zip(NAMES, FIELDS, strict=True)])
def test_names_may_be_overridden_also_by_absolute_paths(listener: str, field: str) -> None:
    names: Json = {
        f"{field}CAFileName": "/etc/ca/ca.crt",
        f"{field}CertFileName": "/c.crt",
        f"{field}KeyFileName": "own.key",
    }
    found = block(listener, **names)
    assert (found["ca_file"], found["cert_file"]) == ("/etc/ca/ca.crt", "/c.crt")
    assert found["key_file"].endswith("-tls-certs/own.key")
    assert choose(listener, "own.key", **names) == Files("/c.crt", "own.key", "/etc/ca/ca.crt")
    assert choose(listener, **names) == ("own.key",)


def test_an_empty_name_is_the_default() -> None:
    names: Json = {"serverSecretCAFileName": "", "serverSecretCertFileName": ""}
    assert block("clients", **names) == block("clients")


@pytest.mark.parametrize("kind", ["Opaque", "kubernetes.io/tls"])
@pytest.mark.parametrize("listener", NAMES)
def test_a_tls_secret_is_taken_as_it_is(listener: str, kind: str) -> None:
    assert choose(listener, *TLS_KEYS, kind=kind) == CERT_MANAGERS
    assert block(listener, CERT_MANAGERS)["cert_file"].endswith("-tls-certs/tls.crt")


def test_names_of_the_spec_come_first() -> None:
    both = (*TLS_KEYS, "ca.pem", "server.pem", "server-key.pem")
    assert choose("clients", *both) == Files("server.pem", "server-key.pem", "ca.pem")
    own = {"serverSecretCertFileName": "own.crt"}
    assert choose("clients", *TLS_KEYS, **own) == ("own.crt", "server-key.pem")
    assert choose("clients", *TLS_KEYS, serverSecretCAFileName="root.pem") == ("root.pem",)


def test_the_cas_name_gives_way_by_itself() -> None:
    names = {"serverSecretCertFileName": "tls.crt", "serverSecretKeyFileName": "tls.key"}
    assert choose("clients", *TLS_KEYS, **names) == CERT_MANAGERS
    mixed = ("server.pem", "server-key.pem", "ca.crt")
    assert choose("clients", *mixed) == Files("server.pem", "server-key.pem", "ca.crt")


@pytest.mark.parametrize("listener", ONE_SIDED)
def test_who_checks_no_certificates_needs_no_ca(listener: str) -> None:
    assert choose(listener, "tls.crt", "tls.key") == Files("tls.crt", "tls.key")
    assert choose(listener, "server.pem", "server-key.pem") == Files("server.pem", "server-key.pem")
    assert "ca_file" not in block(listener, Files("tls.crt", "tls.key"))


@pytest.mark.parametrize("listener", MUTUAL)
def test_who_checks_certificates_needs_a_ca(listener: str) -> None:
    assert choose(listener, "tls.crt", "tls.key") == ("ca.crt",)


@pytest.mark.parametrize(
    "fields", [{"verify": True}, {"auth": {"tlsVerifyAndMap": True}}], ids=["verify", "map"]
)
def test_so_do_clients_whose_certificates_are_checked(fields: Json) -> None:
    assert choose("clients", "tls.crt", "tls.key", **fields) == ("ca.crt",)
    assert choose("clients", "server.pem", "server-key.pem", **fields) == ("ca.pem",)


def test_all_missing_keys_are_named() -> None:
    assert choose("routes") == ("ca.pem", "route.pem", "route-key.pem")
    assert choose("routes", kind="kubernetes.io/tls") == ("ca.crt", "tls.crt", "tls.key")
    assert choose("clients") == ("server.pem", "server-key.pem")


def test_clients_have_settings_of_their_own() -> None:
    fields: Json = {
        "verify": True,
        "cipherSuites": ["TLS_AES_128_GCM_SHA256"],
        "curvePreferences": ["X25519"],
        "clientsTLSTimeout": 5,
        "auth": {"tlsVerifyAndMap": True},
    }
    found = block("clients", **fields)
    assert (
        found
        | {
            "verify": True,
            "verify_and_map": True,
            "cipher_suites": ["TLS_AES_128_GCM_SHA256"],
            "curve_preferences": ["X25519"],
            "timeout": 5,
        }
        == found
    )
    assert set(block("routes", **fields)) == {"ca_file", "cert_file", "key_file"}


@pytest.mark.parametrize(
    ("listener", "field"),
    [
        ("clients", "clientsTLSTimeout"),
        ("routes", "routesTLSTimeout"),
        ("gateways", "gatewaysTLSTimeout"),
        ("leafnodes", "leafnodesTLSTimeout"),
        ("websocket", "websocketTLSTimeout"),
    ],
)
@pytest.mark.parametrize(
    ("given", "written"), [(5, 5), (2.0, 2), (0.5, 0.5), (1e-9, 0.001), (0.30000004, 0.3)]
)
def test_timeouts_are_numbers_the_server_can_read(
    listener: str, field: str, given: float, written: float
) -> None:
    set_to_given: Json = {field: given}
    set_to_zero: Json = {field: 0}
    seconds = block(listener, **set_to_given)["timeout"]
    assert (seconds, type(seconds)) == (written, type(written))
    assert "timeout" not in block(listener, **set_to_zero)
