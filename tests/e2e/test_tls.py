"""Certificates: every way to name them, what waits for them, and what happens when they change."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.e2e.certificates import KUBERNETES, ROUTE, Authority, opaque, serial
from tests.e2e.client import user
from tests.e2e.clusters import NEW, NEXT, Cluster
from tests.e2e.conftest import Managing
from tests.e2e.kubectl import Kubectl, until

Apply = Callable[..., Cluster]
BOTH = {"serverSecret": "clients-tls", "routesSecret": "routes-tls"}


def addresses(cluster: Cluster) -> dict[str, str]:
    """Pod IPs by name."""
    return {name: pod["status"]["podIP"] for name, pod in cluster.pods().items()}


@pytest.mark.usefixtures("reaches_pods")
@pytest.mark.parametrize("version", ["2.0.0", "2.9.25", NEXT])
def test_clients_and_routes(cluster: Apply, namespace: Kubectl, version: str) -> None:
    """Upstream's scenario 21: a mesh of three, and clients need TLS."""
    ca = Authority()
    where = namespace.namespace
    namespace.apply(ca.for_clients("nats", where), ca.for_routes("nats", where))
    found = cluster("nats", size=3, version=version, tls=BOTH).ready()
    found.meshed(3, version)
    assert "TLS required for client connections" in namespace("logs", "nats-1")
    assert found.monitoring("nats-1", "varz")["tls_required"]
    assert user(found, tls=ca.context()).gets_in()
    assert not user(found, tls=Authority().context()).gets_in()
    config = found.config()
    assert config["tls"]["cert_file"] == "/etc/nats-server-tls-certs/server.pem"
    assert config["cluster"]["tls"]["key_file"] == "/etc/nats-routes-tls-certs/route-key.pem"


def test_other_file_names(cluster: Apply, namespace: Kubectl) -> None:
    """A kubernetes.io/tls Secret: its names are given for routes, and found for clients."""
    ca, where = Authority(), namespace.namespace
    hosts = f"*.a-mgmt.{where}.svc"
    namespace.apply(
        ca.secret("clients-tls", f"a.{where}.svc", files=KUBERNETES, kind="kubernetes.io/tls"),
        ca.secret("routes-tls", hosts, files=KUBERNETES, kind="kubernetes.io/tls"),
    )
    names = {
        "routesSecretCAFileName": "ca.crt",
        "routesSecretKeyFileName": "tls.key",
        "routesSecretCertFileName": "tls.crt",
    }
    found = cluster("a", size=2, version=NEXT, tls=BOTH | names).ready()
    config = found.config()
    assert config["tls"]["cert_file"] == "/etc/nats-server-tls-certs/tls.crt"
    assert config["cluster"]["tls"]["ca_file"] == "/etc/nats-routes-tls-certs/ca.crt"


def test_a_cluster_waits_for_its_secret(cluster: Apply, namespace: Kubectl) -> None:
    """A missing Secret, then a missing key: both are named; it goes on by itself."""
    ca, where = Authority(), namespace.namespace
    found = cluster("a", size=1, version=NEXT, tls={"serverSecret": "clients-tls"})
    found.until_condition("ConfigAccepted", "False", "Secret clients-tls", reason="Waiting")
    assert not found.pods()
    assert found.status()["phase"] == "Waiting"
    whole = ca.for_clients("a", where)
    partial = {**whole, "data": {k: v for k, v in whole["data"].items() if k != "server-key.pem"}}
    namespace.apply(partial)
    found.until_condition("ConfigAccepted", "False", "clients-tls", "server-key.pem")
    namespace.apply(whole)
    found.ready()


def test_a_certificate_that_would_break_the_mesh_is_named(
    cluster: Apply, namespace: Kubectl
) -> None:
    """No name in it matches the servers."""
    namespace.apply(Authority().secret("routes-tls", "elsewhere.example.com", files=ROUTE))
    found = cluster("a", size=3, version=NEXT, tls={"routesSecret": "routes-tls"})
    found.until_condition("ConfigAccepted", "False", "routes-tls", "a-mgmt")
    assert not found.pods()


def test_a_key_of_another_certificate_is_named(cluster: Apply, namespace: Kubectl) -> None:
    """Such a pair would keep every server from starting."""
    ca, where = Authority(), namespace.namespace
    mixed = ca.for_clients("a", where)
    mixed["data"]["server-key.pem"] = ca.for_clients("a", where)["data"]["server-key.pem"]
    namespace.apply(mixed)
    found = cluster("a", size=1, version=NEXT, tls={"serverSecret": "clients-tls"})
    found.until_condition("ConfigAccepted", "False", "clients-tls", "key")


@pytest.mark.usefixtures("reaches_pods")
@pytest.mark.parametrize("version", ["2.10.29", NEW, NEXT])
def test_a_renewed_certificate_reaches_running_servers(
    cluster: Apply, namespace: Kubectl, version: str
) -> None:
    """A new handshake shows the new serial number; no server is restarted."""
    ca, where = Authority(), namespace.namespace
    namespace.apply(ca.for_clients("a", where), ca.for_routes("a", where))
    found = cluster("a", size=2, version=version, tls=BOTH).ready()
    before, pods = found.uids(), addresses(found)
    old = {serial(address, ca.context()) for address in pods.values()}
    assert len(old) == 1
    namespace.apply(ca.for_clients("a", where))

    def renewed() -> bool:
        shown = {serial(address, ca.context()) for address in pods.values()}
        return len(shown) == 1 and shown != old

    until("both servers show the new certificate", renewed, 120)
    found.ready(120)
    assert found.uids() == before
    assert "ReloadedServer" in found.reasons()


@pytest.mark.usefixtures("reaches_pods")
def test_a_new_ca_alone_reaches_running_servers(cluster: Apply, namespace: Kubectl) -> None:
    """Clients with a certificate of the added CA get in."""
    ca, added, where = Authority(), Authority(), namespace.namespace
    secret = ca.for_clients("a", where)
    namespace.apply(secret)
    tls = {"serverSecret": "clients-tls", "verify": True}
    found = cluster("a", size=1, version=NEXT, tls=tls).ready()
    before = found.uids()
    assert user(found, tls=ca.context(client=ca)).gets_in()
    assert not user(found, tls=ca.context(client=added)).gets_in()
    both = opaque("clients-tls", {"ca.pem": ca.pem + added.pem})
    namespace.apply({**secret, "data": secret["data"] | both["data"]})
    until("the new CA counts", lambda: user(found, tls=ca.context(client=added)).gets_in(), 120)
    found.ready(120)
    assert found.uids() == before


@pytest.mark.usefixtures("reaches_pods")
def test_a_wholly_new_authority_reaches_running_servers(cluster: Apply, namespace: Kubectl) -> None:
    """CA, certificate and key are others: the old CA is trusted until the servers have reloaded."""
    old, new, where = Authority(), Authority(), namespace.namespace
    namespace.apply(old.for_clients("a", where))
    tls = {"serverSecret": "clients-tls", "enableHttps": True}
    found = cluster("a", size=2, version=NEXT, tls=tls).ready()
    before = found.uids()
    namespace.apply(new.for_clients("a", where))
    until("clients that trust the new CA get in", user(found, tls=new.context()).gets_in, 120)
    found.ready(120)
    assert not user(found, tls=old.context()).gets_in()
    assert found.uids() == before


def test_https_monitoring(cluster: Apply, namespace: Kubectl) -> None:
    """Upstream's scenario 22; the operator asks over HTTPS too."""
    namespace.apply(Authority().for_clients("a", namespace.namespace))
    tls = {"serverSecret": "clients-tls", "enableHttps": True}
    found = cluster("a", size=2, version=NEXT, tls=tls).ready()
    assert found.config()["https_port"] == 8222
    assert "http_port" not in found.config()
    (container,) = found.pods()["a-1"]["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"]["scheme"] == "HTTPS"


@pytest.mark.usefixtures("reaches_pods")
def test_verify_timeouts_and_ciphers(cluster: Apply, namespace: Kubectl) -> None:
    """Upstream's scenarios 24 to 26."""
    ca, where = Authority(), namespace.namespace
    namespace.apply(ca.for_clients("a", where), ca.for_routes("a", where))
    suites = ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]
    tls = BOTH | {
        "verify": True,
        "clientsTLSTimeout": 5,
        "routesTLSTimeout": 5,
        "cipherSuites": suites,
        "curvePreferences": ["CurveP521", "CurveP384"],
    }
    found = cluster("a", size=1, version=NEXT, tls=tls).ready()
    config = found.config()
    assert config["tls"]["timeout"] == config["cluster"]["tls"]["timeout"] == 5
    assert config["tls"]["verify"] is True
    assert config["tls"]["cipher_suites"] == suites
    assert len(config["tls"]["curve_preferences"]) == 2
    assert user(found, tls=ca.context(client=ca)).gets_in()
    assert not user(found, tls=ca.context()).gets_in()


@pytest.mark.usefixtures("reaches_pods")
def test_verify_and_map(cluster: Apply, namespace: Kubectl) -> None:
    """Upstream's scenario 23: the certificate says who the client is."""
    ca = Authority()
    users = opaque("users", {"auth.json": '{"users": [{"username": "user@example.com"}]}'})
    namespace.apply(ca.for_clients("a", namespace.namespace), users)
    auth = {"tlsVerifyAndMap": True, "clientsAuthSecret": "users"}
    tls = {"serverSecret": "clients-tls"}
    found = cluster("a", size=1, version=NEXT, tls=tls, auth=auth).ready()
    assert found.config()["tls"]["verify_and_map"] is True
    assert user(found, tls=ca.context(client=ca)).gets_in()
    assert not user(found, tls=ca.context()).gets_in()


def test_the_end_of_certificates_is_told(
    cluster: Apply, namespace: Kubectl, operator: Managing
) -> None:
    """In the status, and in a metric that goes with the cluster."""
    namespace.apply(Authority().for_clients("a", namespace.namespace))
    found = cluster("a", size=1, version=NEXT, tls={"serverSecret": "clients-tls"}).ready()
    (told,) = found.status()["certificates"]
    assert (told["listener"], told["secret"]) == ("clients", "clients-tls")
    assert told["notAfter"] > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    series = "natsctl_certificate_expiry_timestamp_seconds"
    series += f'{{nats_namespace="{namespace.namespace}",nats_cluster="a",listener="clients"}}'
    assert series in operator.metrics()
    found.delete()
    until("the series is gone", lambda: series not in operator.metrics(), 20)
