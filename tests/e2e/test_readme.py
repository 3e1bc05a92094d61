"""Every YAML and JSON of the Go operator's README, as its users have them.

Mended here, and nowhere else:

* Servers before 2.0.0 cannot be had any more. A version 1.x becomes 2.0.0, the oldest that runs;
  each example of a cluster runs in today's version too.
* `pmetadata` in the example of `clientsAuthSecret` is `metadata`.
* cert-manager has `cert-manager.io/v1` now, where `organization` is `subject.organizations`.
* The testbed has no registry. natsctl's reloader stands under the names of the older one, and an
  image of a shell and nats-sub under `wallyqs/nats-ops:latest`, which pods may not pull again.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from natsctl.api.version import ServerVersion
from natsctl.render.inputs import Images
from testbed import cert_manager, layout, nats_ops
from tests.e2e.attached import INTERRUPT, attached
from tests.e2e.certificates import KUBERNETES, ROUTE, SERVER, Authority, opaque, serial
from tests.e2e.client import User, all_hear_all, user
from tests.e2e.clusters import NEXT, Cluster
from tests.e2e.conftest import Managing, namespace_manifest
from tests.e2e.kubectl import Json, Kubectl, until
from tests.inside import MARK, ROOT
from tests.patience import patient

pytestmark = pytest.mark.usefixtures("reaches_pods")
EXAMPLES = Path(__file__).parent / "readme"
OLDEST = "2.0.0"
TLS = "kubernetes.io/tls"
CERT_MANAGER = "cert-manager.io/v1"
RELOADERS = ("connecteverything/nats-server-config-reloader:0.2.2-v1alpha2", Images().reloader)
versions = pytest.mark.parametrize("version", [OLDEST, NEXT])


def example(name: str, version: str = OLDEST) -> str:
    """An example; clusters in this version."""
    text = (EXAMPLES / name).read_text()
    text = text.replace("pmetadata:", "metadata:")
    return re.sub(r'^  version: ".*"$', f'  version: "{version}"', text, flags=re.MULTILINE)


def created(kubectl: Kubectl, name: str, version: str) -> Cluster:
    """`kubectl create` of an example that is a cluster."""
    text = example(name, version)
    kubectl("create", "-f", "-", stdin=text)
    return Cluster(kubectl, yaml.safe_load(text)["metadata"]["name"])


def run(kubectl: Kubectl, line: str, folder: Path) -> None:
    """Run a command line of the README in a folder with its files."""
    _, *arguments = shlex.split(line)
    subprocess.run(kubectl.command(*arguments), cwd=folder, check=True, capture_output=True)


def written(secret: Json, folder: Path) -> None:
    """The files of a Secret that is yet to be created."""
    for name, content in secret["data"].items():
        (folder / name).write_bytes(base64.b64decode(content))


def login(cluster: Cluster, name: str, password: str, server: str | None = None) -> User:
    """A client with a password."""
    return user(cluster, server, credentials={"user": name, "pass": password})


def loaded(*arguments: str) -> None:
    """`testbed load`."""
    command = [sys.executable, "-m", "testbed", "load", "--name", os.environ[MARK], *arguments]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


@pytest.fixture(scope="module")
def reloader_images() -> None:
    """natsctl's reloader, under the names that the README and its time gave it."""
    loaded("reloader", *(part for name in RELOADERS for part in ("--as", name)))


@pytest.fixture
def nats_io(kubectl: Kubectl, operator: Managing) -> Iterator[Kubectl]:
    """kubectl in the namespace nats-io, which the README names."""
    found = kubectl.within("nats-io")
    kubectl.apply(namespace_manifest("nats-io", {}))
    yield found
    found("delete", "nats", "--all", "--wait=false")
    # Its shell does not end by a SIGTERM.
    found("delete", "pod", "nats-user-pod", "--ignore-not-found", "--grace-period=1")
    kubectl("delete", "namespace", "nats-io", f"--timeout={patient(120):.0f}s")


def test_names_of_the_crds(kubectl: Kubectl) -> None:
    """`kubectl get crd`."""
    heading, *lines = kubectl("get", "crd").splitlines()
    assert heading.split() == ["NAME", "CREATED", "AT"]
    assert {"natsclusters.nats.io", "natsserviceroles.nats.io"} <= {x.split()[0] for x in lines}


def gates(flag: str) -> set[str]:
    """Those that a flag turns on."""
    return set(flag.partition("=")[2].split(","))


def test_cluster_scoped(operator: Managing) -> None:
    """The command line of the Deployment's fragment is that of the operator all these tests use.

    That has another feature gate on, too.
    """
    fragment = (EXAMPLES / "cluster-scoped-fragment.yaml").read_text()
    named = re.findall(r"^        - (.+)$", fragment, re.MULTILINE)
    assert named[0] == "nats-operator"
    assert named[1].startswith("--feature-gates=")
    assert gates(named[1]) <= gates(operator.arguments[1])
    assert (*named[:1], *named[2:]) == (*operator.arguments[:1], *operator.arguments[2:])


@pytest.mark.parametrize("name", ["introduction.yaml", "create.yaml"])
@versions
def test_create_and_list(namespace: Kubectl, name: str, version: str) -> None:
    """Three servers, and the cluster in the list of all namespaces."""
    found = created(namespace, name, version).ready()
    found.meshed(3, version)
    heading, *lines = namespace("get", "nats", "--all-namespaces").splitlines()
    assert heading.split()[:2] == ["NAMESPACE", "NAME"]
    assert heading.split()[-1] == "AGE"
    assert [namespace.namespace, "example-nats-cluster"] in [line.split()[:2] for line in lines]


@versions
def test_tls(namespace: Kubectl, tmp_path: Path, version: str) -> None:
    """Secrets from files with the usual names."""
    ca, where = Authority(), namespace.namespace
    written(ca.for_routes("nats", where), tmp_path)
    written(ca.for_clients("nats", where), tmp_path)
    create = "kubectl create secret generic "
    routes = "--from-file=ca.pem --from-file=route-key.pem --from-file=route.pem"
    clients = "--from-file=ca.pem --from-file=server-key.pem --from-file=server.pem"
    run(namespace, f"{create} nats-routes-tls {routes}", tmp_path)
    run(namespace, f"{create} nats-clients-tls {clients}", tmp_path)
    encrypted(created(namespace, "tls.yaml", version), ca, version, SERVER, ROUTE)


@versions
def test_tls_with_other_names(namespace: Kubectl, version: str) -> None:
    """Secrets of the type kubernetes.io/tls, whose file names the example gives."""
    ca, where = Authority(), namespace.namespace
    namespace.apply(
        ca.secret("nats-clients-tls", f"nats.{where}.svc", files=KUBERNETES, kind=TLS),
        ca.secret("nats-routes-tls", f"*.nats-mgmt.{where}.svc", files=KUBERNETES, kind=TLS),
    )
    found = created(namespace, "tls-file-names.yaml", version)
    encrypted(found, ca, version, KUBERNETES, KUBERNETES)


def encrypted(
    cluster: Cluster,
    ca: Authority,
    version: str,
    clients: tuple[str, ...],
    routes: tuple[str, ...],
) -> None:
    """A mesh of three whose clients need TLS; the servers' files have these names."""
    cluster.ready().meshed(3, version)
    assert user(cluster, tls=ca.context()).gets_in()
    assert not user(cluster).gets_in()
    config = cluster.config()
    for block, names in ((config["tls"], clients), (config["cluster"]["tls"], routes)):
        files = (block["ca_file"], block["cert_file"], block["key_file"])
        assert tuple(path.rpartition("/")[2] for path in files) == names


def issued(kubectl: Kubectl, name: str) -> None:
    """Create one of cert-manager's examples, in the version of its API that there is today."""
    text = example(f"cert-manager-{name}.yaml").replace("cert-manager.io/v1alpha2", CERT_MANAGER)
    resource = yaml.safe_load(text)
    organization = resource["spec"].pop("organization", None)
    if organization:
        resource["spec"]["subject"] = {"organizations": organization}
    kubectl("create", "-f", "-", stdin=json.dumps(resource))


def test_cert_manager(nats_io: Kubectl) -> None:
    """Its Secrets end in a running cluster, and what it renews in the running servers.

    The README shows no cluster for them: that with overwritten file names takes the Secret here.
    """
    with cert_manager.running(layout.Testbed(os.environ[MARK])):
        for name in ("selfsigning", "ca", "issuer", "server", "routes"):
            issued(nats_io, name)
        text = example("tls-file-names.yaml", NEXT).replace("nats-clients-tls", "nats-server-tls")
        nats_io("create", "-f", "-", stdin=text)
        found = Cluster(nats_io, "nats").ready(120)
        found.meshed(3, NEXT)
        before, context = found.uids(), trusting(nats_io, "nats-server-tls")
        pods = [pod["status"]["podIP"] for pod in found.pods().values()]
        (old,) = {serial(address, context) for address in pods}
        renew(nats_io, "nats-server-tls")
        until(
            "all servers show the new certificate",
            lambda: old not in {serial(address, context) for address in pods},
            120,
        )
        found.ready(120)
        assert found.uids() == before


def trusting(kubectl: Kubectl, secret: str) -> ssl.SSLContext:
    """Trusts the CA in a Secret."""
    data = kubectl.get("secret", secret)["data"]
    context = ssl.create_default_context(cadata=base64.b64decode(data["ca.crt"]).decode())
    context.check_hostname = False
    return context


def renew(kubectl: Kubectl, certificate: str) -> None:
    """What `cmctl renew` does."""
    condition = {
        "type": "Issuing",
        "status": "True",
        "reason": "ManuallyTriggered",
        "message": "Certificate re-issuance manually triggered",
        "lastTransitionTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    patch = {"status": {"conditions": [condition]}}
    kubectl.patch(f"certificate/{certificate}", patch, "--subresource=status")


@pytest.mark.usefixtures("reloader_images")
@versions
def test_service_accounts(nats_io: Kubectl, version: str) -> None:
    """Roles, their Secrets, and the pod that mounts one.

    nats-user may subscribe to foo.bar alone, so the README's first command, for hello.world, gets
    in and is then told so by the server; the README's image was of a time before its roles.
    """
    loaded(str(nats_ops.archive()))
    nats_io("create", "-f", "-", stdin=example("service-accounts.yaml", version))
    nats_io("create", "-f", "-", stdin=example("service-account-roles.yaml"))
    found = Cluster(nats_io, "example-nats").ready()
    found.meshed(3, version)
    secrets = {f"nats-{who}-example-nats-bound-token" for who in ("user", "admin-user")}
    until("both have tokens", lambda: secrets <= set(names_of_secrets(nats_io)))
    assert not user(found).gets_in()
    pod = yaml.safe_load(example("service-account-pod.yaml"))
    pod["spec"]["containers"][0]["imagePullPolicy"] = "IfNotPresent"
    nats_io("create", "-f", "-", stdin=json.dumps(pod))
    nats_io("wait", "--for=condition=Ready", "pod/nats-user-pod", f"--timeout={patient(60):.0f}s")
    until("all servers let the user in", lambda: all(admitted(found)), 120)
    say_what_the_readme_says(nats_io)
    assert found.ready().uids().keys() == {f"example-nats-{i}" for i in (1, 2, 3)}


def names_of_secrets(kubectl: Kubectl) -> list[str]:
    """`kubectl get secrets`: those that are opaque."""
    lines = [line.split() for line in kubectl("get", "secrets").splitlines()]
    return [name for name, kind, *_ in lines if kind == "Opaque"]


def admitted(cluster: Cluster) -> Iterator[bool]:
    """Of each server: whether nats-user gets in."""
    data = cluster.kubectl.get("secret", "nats-user-example-nats-bound-token")["data"]
    token = base64.b64decode(data["token"]).decode()
    for server in cluster.pods():
        yield login(cluster, "nats-user", token, server).gets_in()


def say_what_the_readme_says(kubectl: Kubectl) -> None:
    """Its commands in its pod."""
    token = "`cat /var/run/secrets/nats.io/token`"
    with attached(kubectl, "nats-user-pod") as terminal:
        terminal.type(f"nats-sub -s nats://nats-user:{token}@example-nats:4222 hello.world\n")
        terminal.until('permissions violation for subscription to "hello.world"')
        terminal.type(f"nats-sub -s nats://nats-user:{token}@example-nats:4222 foo.bar\n")
        terminal.until("Listening on [foo.bar]")
        terminal.type(INTERRUPT)
        terminal.until("# ")
        terminal.type(f"nats-sub -s nats://nats-admin-user:{token}@example-nats:4222 hello.world\n")
        terminal.until("authorization violation")


def users_created(kubectl: Kubectl, folder: Path) -> None:
    """The Secret of the users, from the JSON."""
    (folder / "clients-auth.json").write_text(example("clients-auth.json"))
    line = "kubectl create secret generic nats-clients-auth --from-file=clients-auth.json"
    run(kubectl, line, folder)


@versions
def test_explicit_users(namespace: Kubectl, tmp_path: Path, version: str) -> None:
    """Each may do what the JSON says, and nobody else gets in."""
    users_created(namespace, tmp_path)
    found = created(namespace, "clients-auth-cluster.yaml", version).ready()
    found.meshed(3, version)
    assert found.config()["authorization"]["timeout"] == 5
    assert not user(found).gets_in()
    assert not login(found, "user1", "wrong").gets_in()
    assert login(found, "user1", "secret1").gets_in()
    assert not login(found, "user1", "secret1").reaches("hello.world")
    assert login(found, "user2", "secret2").reaches("hello.world")
    assert not login(found, "user2", "secret2").reaches("hello.moon")


@pytest.mark.usefixtures("reloader_images")
@versions
def test_configuration_reload(namespace: Kubectl, tmp_path: Path, version: str) -> None:
    """Users that are no longer in the Secret are out on all servers; none is restarted."""
    users_created(namespace, tmp_path)
    found = created(namespace, "configuration-reload.yaml", version).ready()
    found.meshed(3, version)
    before = found.uids()
    images = {c["image"] for pod in found.pods().values() for c in pod["spec"]["containers"]}
    assert images == {f"nats:{version}", RELOADERS[0]}
    assert login(found, "user1", "secret1").gets_in()
    content = json.loads(example("clients-auth.json"))
    del content["users"][0]
    namespace.apply(opaque("nats-clients-auth", {"clients-auth.json": json.dumps(content)}))
    until(
        "user1 is out everywhere",
        lambda: not any(login(found, "user1", "secret1", s).gets_in() for s in before),
        150,
    )
    assert all(login(found, "user2", "secret2", server).gets_in() for server in before)
    assert found.ready().uids() == before
    restarts = [pod["status"]["containerStatuses"] for pod in found.pods().values()]
    assert not any(container["restartCount"] for pod in restarts for container in pod)


@versions
def test_routes_to_the_outside(namespace: Kubectl, version: str) -> None:
    """Servers that do not answer keep nobody waiting."""
    found = created(namespace, "extra-routes.yaml", version).ready()
    found.meshed(3, version)
    outside = {f"nats://nats-{letter}.example.com:6222" for letter in "abc"}
    assert outside < set(found.config()["cluster"]["routes"])


@versions
def test_routes_to_another_cluster(namespace: Kubectl, version: str) -> None:
    """Six servers that start at once know each other, and messages pass from each to each."""
    first = Cluster(namespace, "nats-v2-1").apply(size=3, version=version)
    second = created(namespace, "extra-routes-cluster.yaml", version)
    both = (first.ready(), second.ready())
    assert [found.config()["cluster"].get("name") for found in both] == [named(version)] * 2
    for cluster in both:
        cluster.until_peers(5)
    all_hear_all({pod: user(cluster, pod) for cluster in both for pod in cluster.pods()})


def named(version: str) -> str | None:
    return "nats-v2-1" if ServerVersion.parse(version).knows_cluster_name else None
