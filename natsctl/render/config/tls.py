"""Certificates: where each listener's files are, and the server's tls blocks."""

import posixpath
from collections.abc import Collection
from typing import Any, Final

from natsctl.api.checks import doors
from natsctl.api.fields import Json
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.listeners import CLIENTS as CLIENTS
from natsctl.api.types.listeners import LISTENERS as LISTENERS
from natsctl.api.types.listeners import secret_of
from natsctl.api.types.security import NO_AUTH, NO_TLS, TLSConfig
from natsctl.render.inputs import Files
from natsctl.render.target import Target

_TLS_TYPE: Final = "kubernetes.io/tls"
_DEFAULTS: Final = TLSConfig()


_BY_NAME: Final = {listener.name: listener for listener in LISTENERS}


def secrets(spec: NatsClusterSpec) -> dict[str, str]:
    """Listener -> name of its Secret, for every listener that has one, in order."""
    by_listener = {listener.name: secret_of(spec, listener) for listener in LISTENERS}
    return {name: secret for name, secret in by_listener.items() if secret}


def named_files(spec: NatsClusterSpec, listener: str) -> Files:
    """The files as the spec names them, or has them by default."""
    return _names(spec.tls or NO_TLS, listener)


def choose_files(
    spec: NatsClusterSpec, listener: str, keys: Collection[str], kind: str
) -> Files | tuple[str, ...]:
    """Which keys of the Secret the listener uses, or the names of those it lacks.

    `keys` are those of the Secret's data, `kind` is its type. Names left at their default give
    way to those of a TLS Secret (tls.crt, tls.key, ca.crt) where the Secret has those instead.
    Absolute paths are never missing: they are files that the template mounts.
    """
    wanted, default = named_files(spec, listener), _names(_DEFAULTS, listener)
    cert, key = wanted.cert, wanted.key
    foreign = kind == _TLS_TYPE or {"tls.crt", "tls.key"} <= set(keys)
    if foreign and (cert, key) == (default.cert, default.key) and not {cert, key} <= set(keys):
        cert, key = "tls.crt", "tls.key"
    ca = wanted.ca
    if ca == default.ca and ca not in keys:
        ca = _other_ca(keys, "ca.crt" if foreign else ca, checks(spec, listener))
    missing = [name for name in (ca, cert, key) if name and not _is_there(name, keys)]
    return tuple(missing) or Files(cert, key, ca)


def _other_ca(keys: Collection[str], usual: str | None, needed: bool) -> str | None:
    """Where the CA is instead of under its default name; None where it can be done without."""
    if "ca.crt" in keys:
        return "ca.crt"
    return usual if needed else None


def files_of(target: Target, listener: str) -> Files:
    """The files that a listener uses: those found in its Secret, else those of the spec."""
    return target.inputs.files.get(listener) or named_files(target.spec, listener)


def checks(spec: NatsClusterSpec, listener: str) -> bool:
    """Whether the listener checks the certificates of the other side, which takes a CA."""
    return doors.checks_certificates(spec, _BY_NAME[listener])


def path(listener: str, name: str) -> str:
    """Where a file of the listener is in the container; absolute paths stay as they are."""
    return posixpath.join(_BY_NAME[listener].mount_path, name)


def tls_block(target: Target, listener: str) -> Json:
    """The server's tls block: empty where the listener is not encrypted."""
    spec = target.spec
    if spec.tls is None or listener not in secrets(spec):
        return {}
    files = files_of(target, listener)
    timeout = getattr(spec.tls, _BY_NAME[listener].timeout)
    block: Json = {
        **({"ca_file": path(listener, files.ca)} if files.ca else {}),
        "cert_file": path(listener, files.cert),
        "key_file": path(listener, files.key),
        **_checking(spec, listener),
        **(_of_clients(spec.tls) if listener == "clients" else {}),
        **({"timeout": _seconds(timeout)} if timeout else {}),
    }
    return {"tls": block}


def _names(tls: TLSConfig, listener: str) -> Files:
    field = _BY_NAME[listener].field
    cert, key, ca = (
        getattr(tls, name) or getattr(_DEFAULTS, name)
        for name in (f"{field}_{kind}_file_name" for kind in ("cert", "key", "ca"))
    )
    return Files(cert, key, ca)


def _is_there(name: str, keys: Collection[str]) -> bool:
    return name.startswith("/") or name in keys


def _checking(spec: NatsClusterSpec, listener: str) -> Json:
    """How clients' certificates are asked for; routes and gateways do so by themselves."""
    if _BY_NAME[listener].mutual or not checks(spec, listener):
        return {}
    tls, mapped = spec.tls or NO_TLS, (spec.auth or NO_AUTH).tls_verify_and_map
    verify = tls.verify if listener == "clients" else not mapped
    return {**({"verify": True} if verify else {}), **({"verify_and_map": True} if mapped else {})}


def _of_clients(tls: TLSConfig) -> Json:
    given: dict[str, Any] = {
        "cipher_suites": list(tls.cipher_suites),
        "curve_preferences": list(tls.curve_preferences),
    }
    return {key: value for key, value in given.items() if value}


def _seconds(given: float) -> int | float:
    """A number without an exponent, which nats-server would not read."""
    rounded = max(round(given, 3), 0.001)
    return int(rounded) if rounded == int(rounded) else rounded
