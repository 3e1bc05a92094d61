"""The cluster's certificates and the kubeconfig files made of them."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING

from testbed.layout import (
    API_PORT,
    BRIDGE_ADDRESS,
    SERVICE_ADDRESS,
    Testbed,
    TestbedError,
)

if TYPE_CHECKING:
    from pathlib import Path

DAYS = "365"
SERVER_NAMES = (
    "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,"
    "DNS:kubernetes.default.svc.cluster.local,DNS:localhost,"
    f"IP:127.0.0.1,IP:{BRIDGE_ADDRESS},IP:{SERVICE_ADDRESS}"
)
AUTHORITY = "ca"
API_SERVER = "kube-apiserver"
SERVICE_ACCOUNTS = "service-accounts"
ADMIN = "admin"
# Kubernetes binds these users and groups to their roles by itself.
USERS = {
    ADMIN: "/O=system:masters/CN=admin",
    "kube-controller-manager": "/CN=system:kube-controller-manager",
    "kube-scheduler": "/CN=system:kube-scheduler",
    "kube-proxy": "/CN=system:kube-proxy",
}


def create(testbed: Testbed, node_names: list[str]) -> None:
    """Make the authority, everybody's certificate, and a kubeconfig per user."""
    testbed.certificates.mkdir()
    _self_signed(testbed, AUTHORITY, "/CN=natsctl-testbed")
    _self_signed(testbed, SERVICE_ACCOUNTS, "/CN=service-accounts")
    server = ["-addext", f"subjectAltName={SERVER_NAMES}"]
    _signed(testbed, API_SERVER, "/CN=kube-apiserver", "serverAuth", *server)
    for user, subject in (USERS | {name: _node_subject(name) for name in node_names}).items():
        _signed(testbed, user, subject, "clientAuth")
        _write_kubeconfig(testbed, user, kubeconfig(testbed, user))


def _node_subject(name: str) -> str:
    return f"/O=system:nodes/CN=system:node:{name}"


def certificate(testbed: Testbed, user: str) -> Path:
    return testbed.certificates / f"{user}.crt"


def key(testbed: Testbed, user: str) -> Path:
    return testbed.certificates / f"{user}.key"


def kubeconfig(testbed: Testbed, user: str) -> Path:
    """Where a user's kubeconfig is; the admin's has the well-known place."""
    if user == ADMIN:
        return testbed.kubeconfig
    return testbed.certificates / f"{user}.kubeconfig"


def _self_signed(testbed: Testbed, name: str, subject: str) -> None:
    _openssl(testbed, name, subject)


def _signed(testbed: Testbed, name: str, subject: str, usage: str, *extra: str) -> None:
    authority = [
        "-CA",
        str(certificate(testbed, AUTHORITY)),
        "-CAkey",
        str(key(testbed, AUTHORITY)),
    ]
    usages = ["-addext", f"extendedKeyUsage={usage}", "-addext", "basicConstraints=CA:FALSE"]
    _openssl(testbed, name, subject, *authority, *usages, *extra)


def _openssl(testbed: Testbed, name: str, subject: str, *extra: str) -> None:
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(key(testbed, name)), "-out", str(certificate(testbed, name))]
    argv = ["openssl", "req", "-x509", "-days", DAYS, "-subj", subject, *curve, *files, *extra]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TestbedError(f"openssl could not make the certificate {name}:\n{done.stderr}")


def _write_kubeconfig(testbed: Testbed, user: str, target: Path) -> None:
    cluster = {
        "server": f"https://{BRIDGE_ADDRESS}:{API_PORT}",
        "certificate-authority-data": _base64(certificate(testbed, AUTHORITY)),
    }
    credentials = {
        "client-certificate-data": _base64(certificate(testbed, user)),
        "client-key-data": _base64(key(testbed, user)),
    }
    name = f"natsctl-testbed-{testbed.name}"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
    }
    target.touch(mode=0o600)
    target.write_text(json.dumps(document, indent=2) + "\n")


def _base64(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
