"""The command line of the finder of addresses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from natsctl import __version__
from natsctl.cli import main, pod_bootconfig
from natsctl.cli.run.bootconfig import parser_of, settings_of
from tests.unit.kube.faulty import Answer, Faulty, says, serving

IDENTITY = {"name": "n1", "uid": "u", "resourceVersion": "5"}
NODE = {
    "metadata": {**IDENTITY, "labels": {"site": "192.0.2.9"}},
    "status": {"addresses": [{"type": "ExternalIP", "address": "2001:db8::1"}]},
}
ZONE = "topology.kubernetes.io/zone"
ENVIRONMENT = {"KUBERNETES_NODE_NAME": "n1"}


@pytest.fixture
async def api(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Faulty]:
    """An API server, and the environment that leads a command there."""
    monkeypatch.setattr("natsctl.cli.run.bootconfig.set_up_logging", lambda *_: None)
    caplog.set_level("DEBUG", "natsctl.cli.run.bootconfig")
    monkeypatch.chdir(tmp_path)
    async with serving(tmp_path) as found:
        monkeypatch.setenv("KUBERNETES_NODE_NAME", "n1")
        monkeypatch.setenv("KUBERNETES_CONFIG_FILE", str(found.kubeconfig))
        yield found


async def run(api: Faulty, answer: Answer, *argv: str) -> int:
    """The exit status of the command when the API server answers like this."""
    api.script = [answer]
    return await asyncio.to_thread(pod_bootconfig, argv)


async def test_both_files_are_written(
    api: Faulty, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert await run(api, says(200, NODE), "-f", "a.conf", "-gf", "b.conf") == 0
    assert (tmp_path / "a.conf").read_text() == 'client_advertise = "[2001:db8::1]"\n'
    assert (tmp_path / "b.conf").read_text() == 'advertise = "[2001:db8::1]"\n'
    assert "node n1: advertise [2001:db8::1] (ExternalIP)" in caplog.text
    assert api.lines == ["GET /api/v1/nodes/n1"]


async def test_files_have_upstream_s_names_unless_others_are_given(
    api: Faulty, tmp_path: Path
) -> None:
    labelled = {"metadata": NODE["metadata"]}
    assert await run(api, says(200, labelled), "-t", "site") == 0
    assert (tmp_path / "client_advertise.conf").read_text() == 'client_advertise = "192.0.2.9"\n'
    assert (tmp_path / "gateway_advertise.conf").read_text() == 'advertise = "192.0.2.9"\n'


TAGS = ("-tag-label", ZONE, "-start-file", "sub/a.conf", "-config", "b.conf")


async def test_labels_become_tags_beside_an_address(
    api: Faulty, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "sub").mkdir()
    labels = {"labels": {ZONE: "eu-a", "site": "192.0.2.9"}}
    node = {"metadata": {**IDENTITY, **labels}}
    assert await run(api, says(200, node), *TAGS, "-t", "site") == 0
    assert (tmp_path / "sub/a.conf").read_text() == (
        'include "../b.conf"\nSERVER_TAGS: ["zone:eu-a"]\n'
    )
    assert (tmp_path / "client_advertise.conf").exists()
    assert "node n1: advertise 192.0.2.9 (label site)" in caplog.text
    assert "node n1: tags zone:eu-a" in caplog.text
    assert api.lines == ["GET /api/v1/nodes/n1"]


async def test_a_label_that_is_missing_is_told_and_keeps_no_server_from_its_data(
    api: Faulty,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "sub").mkdir()
    last = tmp_path / "last"
    last.touch()
    monkeypatch.setattr("natsctl.cli.run.bootconfig.LAST_WORDS", last)
    argv = [*TAGS, "-no-address", "-tag-label", "rack"]
    assert await run(api, says(200, {"metadata": IDENTITY}), *argv) == 0
    assert (tmp_path / "sub/a.conf").read_text() == 'include "../b.conf"\n'
    assert not (tmp_path / "client_advertise.conf").exists()
    assert "node n1: tags none" in caplog.text
    assert last.read_text() == (
        f"node n1 has no label {ZONE} and no label rack: the server starts without that tag; to "
        "add it, label the node, and then delete the pod"
    )
    assert last.read_text() in caplog.text


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            says(200, {"metadata": IDENTITY}),
            "kubectl label node n1 nats.io/node-external-ip=ADDRESS",
        ),
        (says(404, {"message": 'nodes "n1" not found'}), 'cannot read node n1: nodes "n1" not'),
        (says(403, {"message": "no"}), "n1: the pod's ServiceAccount needs a ClusterRole"),
        (says(401, {"message": "Unauthorized"}), "cannot read node n1: Unauthorized"),
        (says(503, b"starting"), "cannot read node n1: starting"),
    ],
)
async def test_without_an_address_it_fails_and_says_why(
    api: Faulty,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    answer: Answer,
    message: str,
) -> None:
    monkeypatch.setattr("natsctl.kube.client.BUDGET", 0.1)
    assert await run(api, answer) == 1
    assert message in caplog.text
    assert not list(tmp_path.glob("*.conf"))


@pytest.mark.parametrize("status", [403, 404, 503])
async def test_a_node_that_cannot_be_read_is_a_reason_to_try_again(
    api: Faulty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """Else the server would have no tag for as long as it runs."""
    monkeypatch.setattr("natsctl.kube.client.BUDGET", 0.1)
    argv = ["-no-address", "-tag-label", ZONE]
    assert await run(api, says(status, {"message": "no"}), *argv) == 1
    assert not list(tmp_path.glob("*.conf"))


async def test_a_folder_that_is_not_there_is_named(
    api: Faulty, caplog: pytest.LogCaptureFixture
) -> None:
    assert await run(api, says(200, NODE), "-f", "/nowhere/a.conf") == 1
    assert "cannot write /nowhere/a.conf: No such file or directory" in caplog.text


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("KUBERNETES_NODE_NAME", "", "KUBERNETES_NODE_NAME is not set"),
        ("KUBERNETES_CONFIG_FILE", "/nowhere/config", "cannot use kubeconfig /nowhere/config"),
        ("KUBERNETES_CONFIG_FILE", "", "not inside a pod"),
    ],
)
async def test_a_set_up_that_cannot_work_ends_with_status_2(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    value: str,
    says: str,
) -> None:
    monkeypatch.setenv(name, value)
    assert await asyncio.to_thread(main, ["bootconfig"]) == 2
    assert says in caplog.text


@pytest.mark.parametrize(
    "argv",
    [
        ["-f", "a", "-gf", "b", "-t", "c", "-internal-ip", "-kubeconfig", "d"],
        ["--f=a", "--gf=b", "--t=c", "--internal-ip", "--kubeconfig=d"],
        ["-f=a", "-gf=b", "-t=c", "-internal-ip", "-kubeconfig=d"],
    ],
)
def test_flags_are_understood_however_they_are_written(argv: list[str]) -> None:
    found = settings_of(parser_of("x").parse_args(argv), ENVIRONMENT)
    assert (found.client_file, found.gateway_file) == (Path("a"), Path("b"))
    assert (found.label, found.internal, found.kubeconfig) == ("c", True, "d")


def test_a_flag_wins_over_the_environment() -> None:
    environment = {**ENVIRONMENT, "KUBERNETES_CONFIG_FILE": "there"}
    assert settings_of(parser_of("x").parse_args([]), environment).kubeconfig == "there"
    flags = parser_of("x").parse_args(["--kubeconfig", "here"])
    assert settings_of(flags, environment).kubeconfig == "here"


@pytest.mark.parametrize("flag", ["-v", "-version", "--version"])
def test_version(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        pod_bootconfig([flag])
    assert ended.value.code == 0
    assert __version__ in capsys.readouterr().out
