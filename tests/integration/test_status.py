"""`natsctl status` and `natsctl report` against a real API server, as several users."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import signal
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from natsctl.kube.client import Client
from natsctl.kube.resources import ACCOUNTS_METADATA, CLUSTERS, PODS, SECRETS, Resource
from natsctl.model.objects import Object
from tests.integration.canaries import plant, secret
from tests.integration.conftest import nats, until
from tests.integration.proxy import Proxy
from tests.integration.test_tokens import account

RULES = Resource("Role", "rbac.authorization.k8s.io/v1", "roles", Object)
BINDINGS = Resource("RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings", Object)


@asynccontextmanager
async def started(*argv: str, kubeconfig: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A `natsctl` process; it is ended if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "natsctl", *argv, "--kubeconfig", kubeconfig),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def natsctl(*argv: str, kubeconfig: str) -> tuple[int, str, str]:
    """Exit status, output, errors."""
    async with started(*argv, kubeconfig=kubeconfig) as process:
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()


async def cluster(client: Client, namespace: str, ready: bool = True, **spec: Any) -> None:
    """NatsCluster `x` with the status of an operator."""
    made = await client.create(CLUSTERS, nats("x", namespace, **({"size": 1} | spec)))
    since = {"lastTransitionTime": "2026-11-23T11:00:00Z", "observedGeneration": 1}
    condition = {"type": "Ready", "status": str(ready), "reason": "R", "message": "told so"}
    told = {"phase": "Running", "observedGeneration": made.metadata.generation, "size": 1}
    told |= {"conditions": [condition | since], "operator": f"{namespace}/nats-operator"}
    await client.patch_status(CLUSTERS, namespace, "x", {"status": told})


async def user(
    client: Client, namespace: str, kubeconfig: str, file: Path, *rules: tuple[str, str, str]
) -> str:
    """A kubeconfig of somebody who has these rights (group, resource, verbs) and no other.

    A program gives the token, as with most clouds.
    """
    who = file.name
    meta = {"name": who, "namespace": namespace}
    await account(client, namespace, who)
    given = [
        {"apiGroups": [group], "resources": [resource], "verbs": verbs.split(",")}
        for group, resource, verbs in rules
    ]
    await client.create(RULES, {"metadata": meta, "rules": given})
    subject = {"kind": "ServiceAccount", "name": who, "namespace": namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": who}
    await client.create(BINDINGS, {"metadata": meta, "roleRef": role, "subjects": [subject]})
    reply = await client.submit(ACCOUNTS_METADATA, namespace, who, "token", {"spec": {}})
    config = yaml.safe_load(Path(kubeconfig).read_text())
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": reply["status"]["token"]},
    }
    asked = {"apiVersion": credential["apiVersion"], "command": "echo"}
    asked |= {"args": [json.dumps(credential)], "interactiveMode": "Never"}
    config["users"][0]["user"] = {"exec": asked}
    file.write_text(yaml.safe_dump(config))
    return str(file)


async def test_all_clusters_and_one(client: Client, namespace: str, kubeconfig: str) -> None:
    where = ("-n", namespace)
    empty = await natsctl("status", *where, kubeconfig=kubeconfig)
    assert empty == (0, "", f"there is no NatsCluster in namespace {namespace}\n")
    await cluster(client, namespace)
    code, out, err = await natsctl("status", *where, kubeconfig=kubeconfig)
    assert (code, err) == (0, "")
    assert out.splitlines()[1].startswith("x     Running  1 ")
    code, out, err = await natsctl("status", "x", *where, kubeconfig=kubeconfig)
    assert (code, err) == (0, "")
    assert f"Cluster:   {namespace}/x\nState:     Running, ready\n" in out
    assert "nobody holds its lease: is it running?" in out
    code, out, _ = await natsctl("status", "-A", "-o", "yaml", kubeconfig=kubeconfig)
    assert (namespace, "x") in [(v["namespace"], v["name"]) for v in yaml.safe_load(out)["items"]]


async def test_a_cluster_that_is_not_ready(client: Client, namespace: str, kubeconfig: str) -> None:
    await cluster(client, namespace, ready=False)
    code, out, _ = await natsctl(
        "status", "x", "-n", namespace, "-o", "json", kubeconfig=kubeconfig
    )
    assert (code, json.loads(out)["ready"]) == (1, False)
    code, out, _ = await natsctl("status", "-n", namespace, kubeconfig=kubeconfig)
    assert (code, "x: nobody" in out or "x: told so" in out) == (1, True)


async def test_no_such_cluster(client: Client, namespace: str, kubeconfig: str) -> None:
    where = ("-n", namespace)
    code, out, err = await natsctl("status", "y", *where, kubeconfig=kubeconfig)
    assert (code, out) == (2, "")
    assert f"there is no NatsCluster y in namespace {namespace}, nor any other" in err
    await cluster(client, namespace)
    _, _, err = await natsctl("status", "y", *where, kubeconfig=kubeconfig)
    assert err.endswith("; there is x\n")


async def test_an_api_server_that_is_not_there(tmp_path: Path, kubeconfig: str) -> None:
    config = yaml.safe_load(Path(kubeconfig).read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "gone").write_text(yaml.safe_dump(config))
    for command in ("status", "report"):
        code, out, err = await natsctl(command, kubeconfig=str(tmp_path / "gone"))
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "cannot reach the API server at 127.0.0.1:1" in err


async def test_a_cluster_as_the_go_operator_leaves_it(
    client: Client, namespace: str, kubeconfig: str
) -> None:
    """Before natsctl has seen it, too: its labels are few, and its pods count in hexadecimal."""
    made = await client.create(CLUSTERS, nats("x", namespace, size=11, version="2.9.25"))
    owner: dict[str, Any] = {"apiVersion": "nats.io/v1alpha2", "kind": "NatsCluster", "name": "x"}
    owner |= {"uid": made.metadata.uid, "controller": True}
    labels = {"app": "nats", "nats_cluster": "x"}
    for name in ("x-9", "x-a", "x-b"):
        meta: dict[str, Any] = {"name": name, "namespace": namespace, "ownerReferences": [owner]}
        meta |= {"labels": labels | {"nats_version": "2.9.25"}}
        meta |= {"annotations": {"nats.version": "2.9.25"}}
        spec = {"containers": [{"name": "nats", "image": "nats:2.9.25"}]}
        await client.create(PODS, {"metadata": meta, "spec": spec})
    tokens = secret("user-x-bound-token", namespace, {"token": "x"}, labels=labels)
    await client.create(SECRETS, tokens)
    flags = ("status", "x", "-n", namespace, "-o", "json")
    code, out, _ = await natsctl(*flags, kubeconfig=kubeconfig)
    view = json.loads(out)
    assert (code, [s["version"] for s in view["servers"]]) == (1, ["2.9.25"] * 3)
    assert [d["subjects"] for d in view["differences"]] == [
        ["x-9", "x-a", "x-b"],
        ["Secret user-x-bound-token"],
    ]


class TestRights:
    async def test_none(
        self, client: Client, namespace: str, kubeconfig: str, tmp_path: Path
    ) -> None:
        nobody = await user(client, namespace, kubeconfig, tmp_path / "nobody")
        code, out, err = await natsctl("status", "x", "-n", namespace, kubeconfig=nobody)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert f"you may not get natsclusters in namespace {namespace}" in err
        code, _, err = await natsctl("status", "-n", namespace, kubeconfig=nobody)
        assert (code, "you may not list natsclusters" in err) == (2, True)

    async def test_clusters_alone(
        self, client: Client, namespace: str, kubeconfig: str, tmp_path: Path
    ) -> None:
        """The conditions are told, and what else could be."""
        await cluster(client, namespace, tls={"serverSecret": "certs"})
        rule = ("nats.io", "natsclusters", "get,list")
        reader = await user(client, namespace, kubeconfig, tmp_path / "reader", rule)
        code, out, err = await natsctl("status", "x", "-n", namespace, kubeconfig=reader)
        assert (code, err) == (0, "")
        assert "told so" in out
        told = " ".join(out.partition("NOT READ\n")[2].split())
        wanted = ("list events", "get lease nats-operator", "list pods", "get secret certs")
        assert told == " ".join(
            f"- you may not {what} in namespace {namespace}"
            for what in sorted((*wanted, "list secrets"))
        )
        code, _, err = await natsctl("status", "x", "-w", "-n", namespace, kubeconfig=reader)
        assert (code, "you may not watch" in err, err.count("\n")) == (2, True, 1)
        report = tmp_path / "r.tar.gz"
        code, _, err = await natsctl(
            "report", "x", "-n", namespace, "-o", str(report), kubeconfig=reader
        )
        assert (code, "could not be read" in err) == (0, True)
        assert "you may not list secrets" in unpacked(report)["unread.txt"]

    async def test_those_of_the_document_are_enough(
        self, client: Client, namespace: str, kubeconfig: str, tmp_path: Path
    ) -> None:
        """But for CustomResourceDefinitions, which are in no namespace."""
        await cluster(client, namespace, tls={"serverSecret": "certs"}, jetstream={})
        await client.create(SECRETS, secret("certs", namespace, {"a": "b"}))
        who = await user(client, namespace, kubeconfig, tmp_path / "helper", *documented())
        code, out, err = await natsctl("status", "x", "-n", namespace, kubeconfig=who)
        assert (code, err, "you may not" in out) == (0, "", False)
        report = tmp_path / "r.tar.gz"
        flags = ("report", "x", "-n", namespace, "-o", str(report))
        code, _, _ = await natsctl(*flags, kubeconfig=who)
        assert code == 0
        unread = unpacked(report)["unread.txt"].splitlines()
        assert [line for line in unread if "you may not" in line] == [
            f"you may not get customresourcedefinition {plural}.nats.io"
            for plural in ("natsclusters", "natsserviceroles")
        ]


GROUPS = {
    "natsclusters": "nats.io",
    "natsserviceroles": "nats.io",
    "leases": "coordination.k8s.io",
    "deployments": "apps",
    "poddisruptionbudgets": "policy",
}


def documented() -> list[tuple[str, str, str]]:
    """The rights that docs/commands.md lists."""
    document = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
    table = document.partition("### Rights\n")[2].partition("\n## ")[0]
    rows = [row.split("|")[1:3] for row in re.findall(r"^\| `.*$", table, re.MULTILINE)]
    assert len(rows) > 5
    return [
        (GROUPS.get(resource, ""), resource, ",".join(re.findall(r"get|list|watch", verbs)))
        for named, verbs in rows
        for resource in re.findall(r"`([a-z/]+)`", named)
    ]


async def line(process: asyncio.subprocess.Process) -> Any:
    assert process.stdout is not None
    return json.loads(await asyncio.wait_for(process.stdout.readline(), 20))


async def interrupted(process: asyncio.subprocess.Process) -> tuple[int, str]:
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), 10)
    return process.returncode or 0, err.decode()


async def pause(client: Client, namespace: str, paused: bool) -> None:
    await client.patch(CLUSTERS, namespace, "x", {"spec": {"paused": paused}})


class TestWatch:
    async def test_each_change_is_shown_and_nothing_else(
        self, client: Client, namespace: str, proxy: Proxy
    ) -> None:
        await cluster(client, namespace)
        flags = ("status", "x", "-n", namespace, "-w", "-o", "json")
        async with started(*flags, kubeconfig=proxy.kubeconfig) as process:
            assert (await line(process))["paused"] is False
            await pause(client, namespace, True)
            assert (await line(process))["paused"] is True
            proxy.cut_streams()
            await pause(client, namespace, False)
            assert (await line(process))["paused"] is False
            assert await interrupted(process) == (130, "")

    async def test_at_rest_nothing_is_asked(
        self, client: Client, namespace: str, proxy: Proxy
    ) -> None:
        await cluster(client, namespace)
        async with started(
            "status", "-n", namespace, "-w", "-o", "json", kubeconfig=proxy.kubeconfig
        ) as process:
            await line(process)
            await until(lambda: _settled(proxy))
            before = len(proxy.reads)
            await asyncio.sleep(2)
            assert len(proxy.reads) == before
            assert await interrupted(process) == (130, "")

    async def test_while_the_api_server_is_away(
        self, client: Client, namespace: str, proxy: Proxy
    ) -> None:
        await cluster(client, namespace)
        async with started(
            "status", "x", "-n", namespace, "-w", "-o", "json", kubeconfig=proxy.kubeconfig
        ) as process:
            await line(process)
            proxy.before = lambda request: web.Response(status=503, text="away")
            proxy.cut_streams()
            assert process.stderr is not None
            told = await asyncio.wait_for(process.stderr.readline(), 20)
            assert told.endswith(b'"away"; trying again\n')
            await pause(client, namespace, True)
            proxy.before = None
            assert (await line(process))["paused"] is True

    async def test_when_nobody_reads_any_more(
        self, client: Client, namespace: str, kubeconfig: str, tmp_path: Path
    ) -> None:
        await cluster(client, namespace)
        natsctl_ = f"{sys.executable} -m natsctl status -n {namespace} -w --kubeconfig {kubeconfig}"
        script = f"{natsctl_} 2>{tmp_path}/err | head -n 1; exit ${{PIPESTATUS[0]}}"
        process = await asyncio.create_subprocess_exec("bash", "-c", script)

        async def ended() -> bool:
            paused = (await client.raw(CLUSTERS, namespace, "x"))["spec"].get("paused", False)
            await pause(client, namespace, not paused)
            return process.returncode is not None

        await until(ended, pause=0.5)
        assert (process.returncode, (tmp_path / "err").read_text()) == (141, "")

    async def test_an_answer_that_is_none(self, namespace: str, proxy: Proxy) -> None:
        proxy.before = lambda request: web.Response(text="<html>Please log in")
        code, out, err = await natsctl("status", "-n", namespace, kubeconfig=proxy.kubeconfig)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "answer cannot be read: this is not a page of a list" in err

    async def test_a_cluster_that_is_deleted(
        self, client: Client, namespace: str, kubeconfig: str
    ) -> None:
        await cluster(client, namespace)
        async with started(
            "status", "x", "-n", namespace, "-w", "-o", "json", kubeconfig=kubeconfig
        ) as process:
            await line(process)
            await client.transport.request("DELETE", CLUSTERS.path(namespace, "x"))
            _, err = await asyncio.wait_for(process.communicate(), 20)
            assert process.returncode == 2
            assert b"there is no NatsCluster x" in err


async def _settled(proxy: Proxy) -> bool:
    """Whether nothing was asked for half a second."""
    before = len(proxy.reads)
    await asyncio.sleep(0.5)
    return len(proxy.reads) == before


def unpacked(report: Path) -> dict[str, str]:
    """Its files."""
    with tarfile.open(report) as tar:
        members = [(m, tar.extractfile(m)) for m in tar.getmembers()]
        return {m.name.removeprefix("natsctl-report/"): f.read().decode() for m, f in members if f}


async def test_no_secret_gets_into_a_report(
    client: Client, namespace: str, kubeconfig: str, tmp_path: Path
) -> None:
    canaries = await plant(client, namespace)
    report = tmp_path / "report.tar.gz"
    flags = ("report", "x", "-n", namespace, "-o", str(report))
    code, out, err = await natsctl(*flags, kubeconfig=kubeconfig)
    assert (code, out) == (0, "")
    assert str(report) in err
    assert report.stat().st_mode & 0o777 == 0o600
    files = unpacked(report)
    assert len(set(canaries)) == 40
    for canary in canaries:
        encoded = base64.b64encode(canary.encode()).decode().rstrip("=")
        found = [f for f, text in files.items() if canary in text or encoded in text]
        assert (canary, found) == (canary, [])
    assert "joe" in files[f"{namespace}/x/nats.conf"] or "***" in files[f"{namespace}/x/nats.conf"]
    assert "it has ***" in files["status.txt"]
    assert {"natscluster.yaml", "pods.yaml", "secrets.yaml", "events.yaml"} <= {
        Path(name).name for name in files
    }
    assert "c4nary" not in "".join(files.values())


async def test_a_report_is_a_new_file(
    client: Client, namespace: str, kubeconfig: str, tmp_path: Path
) -> None:
    await cluster(client, namespace)
    (tmp_path / "mine").write_text("precious")
    flags = ("report", "-n", namespace, "-o", str(tmp_path / "mine"))
    code, _, err = await natsctl(*flags, kubeconfig=kubeconfig)
    assert (code, "File exists" in err, err.count("\n")) == (2, True, 1)
    assert (tmp_path / "mine").read_text() == "precious"


async def test_a_command_line_that_asks_for_two_things(kubeconfig: str) -> None:
    for command in ("status", "report"):
        code, _, err = await natsctl(command, "x", "-A", kubeconfig=kubeconfig)
        assert (code, "choose one" in err) == (2, True)


@pytest.mark.parametrize("command", ["status", "report"])
async def test_a_context_that_is_not_there(command: str, kubeconfig: str) -> None:
    code, _, err = await natsctl(command, "--context", "nope", kubeconfig=kubeconfig)
    assert (code, "cannot use kubeconfig" in err, err.count("\n")) == (2, True, 1)
