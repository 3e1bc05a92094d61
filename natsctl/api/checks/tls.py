"""Checks of what a spec says of certificates."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

import attrs

from natsctl.api.checks.texts import file_path
from natsctl.api.fields import json_name
from natsctl.api.problems import Problem, shown
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.listeners import LISTENERS
from natsctl.api.types.security import NO_AUTH, NO_TLS, TLSConfig
from natsctl.api.version import ServerVersion

_TLS_1_3: Final = (
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
)
_EVER: Final = tuple(
    f"TLS_ECDHE_{key}_WITH_{cipher}"
    for cipher in ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "AES_128_CBC_SHA", "AES_256_CBC_SHA")
    for key in ("ECDSA", "RSA")
)
# From 2.12 on, Go's own names and nothing that Go calls insecure (read, server/ciphersuites.go).
_NEW: Final = tuple(f"TLS_ECDHE_{key}_WITH_CHACHA20_POLY1305_SHA256" for key in ("ECDSA", "RSA"))
_OLD: Final = (
    *(f"TLS_ECDHE_{key}_WITH_CHACHA20_POLY1305" for key in ("ECDSA", "RSA")),
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
)
_CURVES: Final = ("X25519", "CurveP256", "CurveP384", "CurveP521")
_POST_QUANTUM: Final = "X25519MLKEM768"


def tls_problems(spec: NatsClusterSpec, version: ServerVersion) -> Iterator[Problem]:
    """Problems of `tls`, and of what needs it."""
    tls = spec.tls or NO_TLS
    yield from _without_block(spec, tls)
    yield from _without_certificates(spec, tls)
    yield from _files(tls)
    suites, curves = cipher_suites(version), curve_preferences(version)
    yield from _known(tls.cipher_suites, suites, version, "spec.tls.cipherSuites", "cipher suite")
    yield from _known(tls.curve_preferences, curves, version, "spec.tls.curvePreferences", "curve")


def cipher_suites(version: ServerVersion) -> tuple[str, ...]:
    """Names that servers of this version take."""
    if version.at_least(2, 12):
        return (*_TLS_1_3, *_EVER, *_NEW)
    # Read: 2.1.2 knows none of TLS 1.3, 2.1.9 does.
    return (*(_TLS_1_3 if version.at_least(2, 1, 9) else ()), *_EVER, *_OLD)


def curve_preferences(version: ServerVersion) -> tuple[str, ...]:
    """Names that servers of this version take."""
    return (*_CURVES, *((_POST_QUANTUM,) if version.at_least(2, 12) else ()))


def _without_block(spec: NatsClusterSpec, tls: TLSConfig) -> Iterator[Problem]:
    for listener in LISTENERS:
        secret = getattr(tls, listener.field)
        if secret and listener.block and getattr(spec, listener.block) is None:
            block = json_name(getattr(attrs.fields(NatsClusterSpec), listener.block))
            message = f"has no effect without spec.{block}; set that, or omit this"
            yield Problem(f"spec.tls.{_json(listener.field)}", shown(secret), message)


def _without_certificates(spec: NatsClusterSpec, tls: TLSConfig) -> Iterator[Problem]:
    mapped = (spec.auth or NO_AUTH).tls_verify_and_map
    wanting = {
        "spec.tls.enableHttps": tls.enable_https,
        "spec.tls.verify": tls.verify,
        "spec.auth.tlsVerifyAndMap": mapped,
    }
    for path, wanted in wanting.items():
        if wanted and not tls.server_secret:
            message = "needs the clients' certificates; set spec.tls.serverSecret as well"
            yield Problem(path, "true", message)
    for kind, verify, secret in (
        ("leafnode", tls.leafnode_verify, tls.leafnode_secret),
        ("websocket", tls.websocket_verify, tls.websocket_secret),
    ):
        if verify and not secret:
            message = f"needs certificates; set spec.tls.{kind}Secret as well"
            yield Problem(f"spec.tls.{kind}Verify", "true", message)


def _files(tls: TLSConfig) -> Iterator[Problem]:
    for field, path in _file_fields():
        yield from file_path(getattr(tls, field), path)


@cache
def _file_fields() -> tuple[tuple[str, str], ...]:
    """Attribute and path of each field that names a file."""
    kinds = ("ca", "cert", "key")
    fields = (f"{each.field}_{kind}_file_name" for each in LISTENERS for kind in kinds)
    return tuple((field, f"spec.tls.{_json(field)}") for field in fields)


def _known(
    given: Iterable[str], known: tuple[str, ...], version: ServerVersion, path: str, what: str
) -> Iterator[Problem]:
    for index, name in enumerate(given):
        if name not in known:
            message = (
                f"{shown(name)} is not a {what} that nats-server {version} supports; "
                f"use one of {', '.join(known)}"
            )
            yield Problem(f"{path}[{index}]", shown(name), message)


def _json(field: str) -> str:
    return json_name(getattr(attrs.fields(TLSConfig), field))
