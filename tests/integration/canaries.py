"""A cluster with a canary in every place that a secret can be in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import attrs

from natsctl.kube.client import Client
from natsctl.kube.resources import CLUSTERS, EVENTS, PODS, ROLES, SECRETS, SERVICES
from natsctl.model.names import API_VERSION, KIND_ROLE
from natsctl.model.objects import Object
from tests.integration.conftest import nats

Json = dict[str, Any]
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@attrs.frozen
class Canaries:
    """Those planted until now."""

    planted: list[str] = attrs.field(factory=list)

    def new(self, where: str) -> str:
        """One for a place."""
        self.planted.append(f"c4nary-{where}")
        return self.planted[-1]

    def login(self, where: str) -> str:
        """A URL with one as its password."""
        return f"nats://u:{self.new(where)}@far.invalid:7222"


def secret(name: str, namespace: str, data: dict[str, str], **meta: Any) -> Json:
    """A Secret."""
    return {"metadata": {"name": name, "namespace": namespace} | meta, "stringData": data}


async def plant(client: Client, namespace: str) -> list[str]:
    """NatsCluster `x` and what belongs to it; all canaries."""
    canaries = Canaries()
    applied = {LAST_APPLIED: canaries.new("applied")}
    container = _container(canaries)
    manifest = nats("x", namespace, **_spec(canaries, container))
    manifest["metadata"] |= _labels(canaries, "cluster")
    manifest["metadata"]["annotations"] |= applied
    made = await client.create(CLUSTERS, manifest)
    for secret in _secrets(canaries, namespace, applied):
        await client.create(SECRETS, secret)
    await client.create(PODS, _pod(made, container))
    await client.create(EVENTS, _event(canaries, namespace))
    await client.create(ROLES, _role(canaries, namespace))
    await client.create(SERVICES, _service(canaries, namespace))
    await client.patch_status(CLUSTERS, namespace, "x", _status(canaries))
    return canaries.planted


def _labels(canaries: Canaries, where: str) -> Json:
    """Labels and annotations of somebody's own."""
    return {
        "labels": {"nats_cluster": "x", "owner": canaries.new(f"{where}-label")},
        "annotations": {"owner": canaries.new(f"{where}-annotation")},
    }


def _role(canaries: Canaries, namespace: str) -> Json:
    meta = {"name": "r", "namespace": namespace} | _labels(canaries, "role")
    spec = {"permissions": {"publish": ["a"]}}
    return {"apiVersion": API_VERSION, "kind": KIND_ROLE, "metadata": meta, "spec": spec}


def _service(canaries: Canaries, namespace: str) -> Json:
    meta = {"name": "x", "namespace": namespace} | _labels(canaries, "service")
    selector = {"owner": canaries.new("selector")}
    return {"metadata": meta, "spec": {"ports": [{"port": 1}], "selector": selector}}


def _container(canaries: Canaries) -> Json:
    header = {"name": "Authorization", "value": canaries.new("header")}
    return {
        "name": "own",
        "image": "own",
        "env": [{"name": "PASSWORD", "value": canaries.new("env")}],
        "args": ["-p", canaries.new("argument")],
        "livenessProbe": {"httpGet": {"port": 80, "httpHeaders": [header]}},
    }


def _spec(canaries: Canaries, container: Json) -> Json:
    return {
        "size": 1,
        "version": "2.14.10",
        "auth": {
            "clientsAuthSecret": "users",
            "clusterAuthSecret": "routes",
            "gatewayAuthSecret": "gateways",
        },
        "tls": {"serverSecret": "certs"},
        "operatorConfig": {"secret": "jwt", "resolverPreload": {"A": canaries.new("preload")}},
        "gatewayConfig": {
            "name": "x",
            "gateways": [{"name": "g", "url": canaries.login("gateway")}],
        },
        "leafnodeConfig": {"remotes": [{"urls": [canaries.login("leafnode")]}]},
        "extraRoutes": [{"route": canaries.login("route")}],
        "natsConfig": {"password": canaries.new("config"), "nested": {"a": [canaries.new("list")]}},
        "pod": {
            "natsEnv": [{"name": "TOKEN", "value": canaries.new("natsenv")}],
            "labels": {"own": canaries.new("pod-label")},
            "nodeSelector": {"own": canaries.new("node")},
            "tolerations": [{"key": "own", "value": canaries.new("toleration")}],
        },
        "template": {
            "metadata": {
                "annotations": {"own": canaries.new("annotation")},
                "unknown": canaries.new("unknown-meta"),
            },
            "spec": {
                "containers": [container | {"unknown": canaries.new("unknown-container")}],
                "unknown": {"a": [{"b": canaries.new("unknown-nested")}]},
                "dnsConfig": {"options": [{"name": "a", "value": canaries.new("dns")}]},
            },
            "unknown": canaries.new("unknown-template"),
        },
    }


def _secrets(canaries: Canaries, namespace: str, applied: Json) -> Iterator[Json]:
    held = partial(secret, namespace=namespace)
    ours: Json = {"labels": {"nats_cluster": "x"}}
    token, users = {"token": canaries.new("bound-token")}, {"auth.json": _users(canaries)}
    yield held("x", data={"nats.conf": _config(canaries)}, **ours)
    yield held("r-x-bound-token", data=token, **ours)
    yield held("users", data=users, annotations=applied)
    yield held("routes", data={"auth.json": json.dumps({"password": canaries.new("routes")})})
    yield held("gateways", data={"auth.json": json.dumps({"token": canaries.new("gateways")})})
    yield held("certs", data={"server-key.pem": canaries.new("key"), "server.pem": "x"})
    yield held("jwt", data={"op.jwt": canaries.new("jwt")})


def _users(canaries: Canaries) -> str:
    return json.dumps({"users": [{"username": "joe", "password": canaries.new("user")}]})


def _config(canaries: Canaries) -> str:
    users = [{"nkey": canaries.new("nkey")}]
    config = {
        "authorization": {"token": canaries.new("config"), "users": users},
        "cluster": {"routes": [canaries.login("config-url")]},
    }
    return json.dumps(config)


def _pod(cluster: Object, container: Json) -> Json:
    owner = {
        "apiVersion": "nats.io/v1alpha2",
        "kind": "NatsCluster",
        "name": "x",
        "uid": cluster.metadata.uid,
        "controller": True,
    }
    meta = {
        "name": "x-1",
        "namespace": cluster.metadata.namespace,
        "ownerReferences": [owner],
        "labels": {"app": "nats", "nats_cluster": "x"},
        "annotations": {"own": "c4nary-annotation"},
    }
    return {"metadata": meta, "spec": {"containers": [container]}}


def _event(canaries: Canaries, namespace: str) -> Json:
    about = {"apiVersion": "nats.io/v1alpha2", "kind": "NatsCluster", "name": "x"}
    return {
        "metadata": {"name": "e", "namespace": namespace},
        "involvedObject": about | {"namespace": namespace},
        "reason": "R",
        "message": f"the server says: c4nary-user {canaries.login('event')}",
        "type": "Normal",
    }


def _status(canaries: Canaries) -> Json:
    condition = {
        "type": "Degraded",
        "status": "True",
        "reason": "R",
        "message": f"it has c4nary-routes, h https://h/?token={canaries.new('parameter')}",
        "unknown": canaries.new("unknown-condition"),
        "lastTransitionTime": "2026-11-23T11:00:00Z",
    }
    server = {"name": "x-1", "unknown": canaries.new("unknown-server")}
    status = {"conditions": [condition], "servers": [server]}
    return {"status": status | {"unknown": {"a": canaries.new("unknown-status")}}}
