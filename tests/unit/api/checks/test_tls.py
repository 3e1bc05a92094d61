from typing import Any

import pytest

from natsctl.api.checks.tls import cipher_suites, curve_preferences
from natsctl.api.version import ServerVersion
from tests.unit.api.specs import complaint, complaints

CERTIFIED = {"serverSecret": "s"}


@pytest.mark.parametrize(
    ("field", "block", "minimal"),
    [
        ("gatewaySecret", "gatewayConfig", {"name": "g", "hostPort": 7522}),
        ("leafnodeSecret", "leafnodeConfig", {}),
        ("websocketSecret", "websocketConfig", {"port": 8080}),
    ],
)
def test_certificates_need_a_listener_that_shows_them(
    field: str, block: str, minimal: dict[str, Any]
) -> None:
    assert complaint(tls={field: "s"}) == (
        f"spec.tls.{field}: has no effect without spec.{block}; set that, or omit this"
    )
    assert complaints(tls={field: "s"}, **{block: minimal}) == []


@pytest.mark.parametrize("field", ["enableHttps", "verify"])
def test_what_is_done_with_certificates_needs_them(field: str) -> None:
    assert complaint(tls={field: True}) == (
        f"spec.tls.{field}: needs the clients' certificates; set spec.tls.serverSecret as well"
    )
    assert complaints(tls={field: True, **CERTIFIED}) == []


@pytest.mark.parametrize("tls", [None, {}, {"routesSecret": "r"}])
def test_users_of_certificates_need_them_too(tls: dict[str, Any] | None) -> None:
    assert complaint(auth={"tlsVerifyAndMap": True}, tls=tls) == (
        "spec.auth.tlsVerifyAndMap: needs the clients' certificates; "
        "set spec.tls.serverSecret as well"
    )
    assert complaints(auth={"tlsVerifyAndMap": True}, tls=CERTIFIED) == []


@pytest.mark.parametrize("name", ["S", "a_b", "-a", "a..b", "a/b", "x" * 254])
def test_secrets_have_names_that_objects_can_have(name: str) -> None:
    assert complaint(tls={"routesSecret": name}).startswith("spec.tls.routesSecret: ")
    assert complaints(tls={"routesSecret": "a-1.b"}) == []


@pytest.mark.parametrize("path", ['a"b', "a\\b", "a\nb"])
def test_files_have_names_that_a_configuration_can_have(path: str) -> None:
    assert complaint(tls={"serverSecretCAFileName": path}).startswith(
        "spec.tls.serverSecretCAFileName: "
    )
    assert complaints(tls={"serverSecretCAFileName": "/a b/\u00e9.pem"}) == []


SECURE = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"


@pytest.mark.parametrize(
    ("suite", "version", "known"),
    [
        (SECURE, "2.0.0", True),
        (SECURE, "2.14.10", True),
        ("TLS_AES_128_GCM_SHA256", "2.1.2", False),
        ("TLS_AES_128_GCM_SHA256", "2.1.9", True),
        ("TLS_RSA_WITH_AES_128_CBC_SHA", "2.11.17", True),
        ("TLS_RSA_WITH_AES_128_CBC_SHA", "2.12.0", False),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "2.11.17", True),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "2.12.0", False),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "2.11.17", False),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "nightly", True),
        ("TLS_MADE_UP", "2.14.10", False),
    ],
)
def test_cipher_suites_are_those_of_the_version(suite: str, version: str, known: bool) -> None:
    found = complaints(version=version, tls={**CERTIFIED, "cipherSuites": [SECURE, suite]})
    assert (found == []) is known
    for text in found:
        assert text.startswith(
            f"spec.tls.cipherSuites[1]: '{suite}' is not a cipher suite that nats-server "
            f"{version} supports; use one of TLS_"
        )


@pytest.mark.parametrize(
    ("curve", "version", "known"),
    [
        ("X25519", "2.0.0", True),
        ("X25519MLKEM768", "2.11.17", False),
        ("X25519MLKEM768", "2.12.0", True),
        ("P256", "2.14.10", False),
    ],
)
def test_curves_are_those_of_the_version(curve: str, version: str, known: bool) -> None:
    found = complaints(version=version, tls={**CERTIFIED, "curvePreferences": [curve]})
    assert (found == []) is known


@pytest.mark.parametrize("version", ["2.0.0", "2.1.9", "2.14.10"])
def test_no_name_is_listed_twice(version: str) -> None:
    for names in (cipher_suites, curve_preferences):
        found = names(ServerVersion.parse(version))
        assert len(set(found)) == len(found)
