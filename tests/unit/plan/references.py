"""Secrets, roles and ServiceAccounts as a cluster finds them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import attrs
import trustme
from msgspec.structs import replace

from natsctl.api.parse import parse_spec
from natsctl.model.bound_tokens import RENEW_AFTER, SEAL, SWITCH_AT
from natsctl.model.objects import Meta, Secret, ServiceRole
from natsctl.plan.digests import Compared
from natsctl.plan.inputs.resolve import ResolvedInputs, resolve
from natsctl.plan.references import References, ServiceAccount
from natsctl.plan.service_accounts.grants import secret_name
from natsctl.plan.service_accounts.seals import Bond, sealed, sealing_key
from natsctl.render.inputs import ConfigInputs, Former

PEPPER = b"pepper"
BEFORE = Compared(4)
"""Of a NatsCluster that is older than this process."""
SEALING = sealing_key(PEPPER)
UID = "uid-of-c"


def secret(name: str, data: dict[str, bytes | str], kind: str = "Opaque", **meta: Any) -> Secret:
    encoded = {
        key: base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()
        for key, value in data.items()
    }
    where = {"name": name, "namespace": "ns", "resource_version": "1"} | meta
    return Secret(Meta(**where), type=kind, data=encoded)


def users(content: Any, name: str = "users") -> Secret:
    return secret(name, {"auth.json": json.dumps(content)})


@cache
def authority() -> trustme.CA:
    return trustme.CA()


@cache
def certificate(*hosts: str) -> tuple[bytes, bytes]:
    """Certificate and key."""
    issued = authority().issue_cert(*hosts)
    return issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes()


def tls_secret(
    name: str, *hosts: str, files: tuple[str, str, str] = ("ca.pem", "server.pem", "server-key.pem")
) -> Secret:
    cert, key = certificate(*(hosts or ("*.c-mgmt.ns.svc",)))
    parts = (authority().cert_pem.bytes(), cert, key)
    return secret(name, dict(zip(files, parts, strict=True)))


def routes_secret(*hosts: str) -> Secret:
    return tls_secret("routes", *hosts, files=("ca.pem", "route.pem", "route-key.pem"))


def role(
    name: str = "worker", cluster: str = "c", status: Any = None, **permissions: Any
) -> ServiceRole:
    labels = {"nats_cluster": cluster}
    meta = Meta(name=name, namespace="ns", uid=f"role-{name}", generation=1, labels=labels)
    return ServiceRole(meta, spec={"permissions": permissions}, status=status)


def role_of(*namespaces: str, name: str = "worker") -> ServiceRole:
    """A role that names the namespaces whose ServiceAccounts count."""
    spec = {"permissions": {}, "serviceAccountNamespaces": {"names": list(namespaces)}}
    return replace(role(name), spec=spec)


def selecting(selector: Any, *namespaces: str, name: str = "worker") -> ServiceRole:
    """A role that selects namespaces by their labels, and names some."""
    chosen = {"names": list(namespaces), "selector": selector}
    return replace(role(name), spec={"serviceAccountNamespaces": chosen})


def account(namespace: str = "ns", uid: str = "sa") -> ServiceAccount:
    return ServiceAccount(namespace, uid)


def bond(name: str = "worker", **more: Any) -> Bond:
    """Of a token of cluster c; its role is that of `role(name)`."""
    usual = {
        "namespace": "ns",
        "cluster": "c",
        "cluster_uid": UID,
        "role": name,
        "role_uid": f"role-{name}",
        "account_uid": "sa",
    }
    return Bond(**(usual | more))


def unsealed(
    text: str = "t0ken",
    name: str = "worker",
    namespace: str = "ns",
    previous: str = "",
    user: str = "worker",
    **meta: Any,
) -> Secret:
    """A Secret of that name and content that anybody may have made."""
    data: dict[str, bytes | str] = {"token": text, "username": user}
    if previous:
        data["previous-token"] = previous
    return secret(secret_name(name, "c"), data, namespace=namespace, **meta)


def with_seal(found: Secret, made_for: Bond, key: bytes = SEALING) -> Secret:
    """The same Secret with our seal, as the operator writes it."""
    seal = sealed(key, made_for, found.metadata, found.data or {})
    notes = (found.metadata.annotations or {}) | {SEAL: seal}
    return replace(found, metadata=replace(found.metadata, annotations=notes))


def token(
    text: str = "t0ken",
    name: str = "worker",
    namespace: str = "ns",
    previous: str = "",
    bond_to: Bond | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Secret:
    """A bound-token Secret that is ours, to be renewed and switched when its annotations say."""
    notes = dict(annotations or {})
    times = {
        "renew_after": notes.get(RENEW_AFTER, ""),
        "switch_at": notes.get(SWITCH_AT, ""),
    }
    found = unsealed(text, name, namespace, previous, annotations=notes)
    found = replace(found, metadata=replace(found.metadata, uid=f"secret-{namespace}-{name}"))
    return with_seal(found, bond_to or bond(name, **times))


def references(*secrets: Secret, **more: Any) -> References:
    usual: dict[str, Any] = {"pepper": PEPPER, "sealing": SEALING, "uid": UID}
    named = {"secrets": {s.metadata.name: s for s in secrets}}
    return References(**(usual | named | more))


def by_earlier_natsctl(inputs: ConfigInputs) -> ConfigInputs:
    """The same as an earlier natsctl sealed it, of what may be compared with that."""
    former = inputs.former
    return attrs.evolve(inputs, sealed=former.digests, seal=former.seal, former=Former())


def with_tokens(*tokens: Secret, **more: Any) -> References:
    usual = {
        "roles": (role(publish=["a"]),),
        "accounts": {"worker": (account(),)},
        "tokens": {t.key: t for t in tokens},
    }
    return references(**(usual | more))


def resolved(spec: dict[str, Any], found: References) -> ResolvedInputs:
    return resolve("ns", "c", parse_spec({"size": 3, "version": "2.14.10"} | spec), found)
