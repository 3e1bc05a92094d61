"""The command line."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
import yaml

from natsctl import __version__
from natsctl.cli import kubectl_natsctl, main, nats_operator
from natsctl.cli.main import COMMANDS, module_of
from natsctl.cli.run.operator import parser_of, settings_of
from natsctl.controllers.settings import Settings
from tests.compat import without_help
from tests.unit.kube.faulty import kubeconfig


def settings(*argv: str, **environment: str) -> Settings:
    return settings_of(parser_of("natsctl operator").parse_args(argv), environment)


def test_crds_prints_both(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crds"]) == 0
    documents = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [d["metadata"]["name"] for d in documents] == [
        "natsclusters.nats.io",
        "natsserviceroles.nats.io",
    ]


@pytest.mark.parametrize(
    "argv", [["--version"], ["operator", "--version"], ["operator", "-version"]]
)
def test_version(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize("argv", [["--help"], ["status", "--help"], ["render", "-h"]])
def test_help_names_the_program_as_it_was_called(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for call, name in ((main, "natsctl"), (kubectl_natsctl, "kubectl natsctl")):
        with pytest.raises(SystemExit) as ended:
            call(argv)
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith(" ".join(["usage:", name, *argv[:-1], "["]))


def test_importing_a_command_leaves_the_process_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "authorities.pem")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    environment, threshold = dict(os.environ), gc.get_threshold()
    for command in COMMANDS:
        module_of(command)
    assert (dict(os.environ), gc.get_threshold(), gc.isenabled()) == (environment, threshold, True)


def test_an_operator_holds_nothing_in_memory_that_it_never_uses(tmp_path: Path) -> None:
    """The machine's authorities, of which aiohttp makes a context, and what writes YAML."""
    authority = tmp_path / "authorities.pem"
    authority.write_bytes(trustme.CA().cert_pem.bytes())
    program = """if True:
        import sys
        from natsctl.cli.main import module_of
        module_of("operator")
        from aiohttp import connector
        print(connector._SSL_CONTEXT_VERIFIED.get_ca_certs(), "yaml" in sys.modules)
    """
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "SSL_CERT_FILE": str(authority)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert run.stdout.split() == ["[]", "False"]


@pytest.mark.parametrize("argv", [[], ["nope"], ["crds", "--what"], ["operator", "--what"]])
def test_a_command_line_that_cannot_be_used(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2


def test_namespaces_are_read_where_that_is_asked_for() -> None:
    everywhere = ("--namespace", "x", "--feature-gates=ClusterScoped=true")
    assert settings(*everywhere, "--namespace-selectors").selectors
    assert not settings(*everywhere).selectors


def test_flags_win_over_the_environment() -> None:
    found = settings("--namespace", "flag", MY_POD_NAMESPACE="env", MY_POD_NAME="pod-1")
    assert (found.namespace, found.identity) == ("flag", "pod-1")
    assert settings(MY_POD_NAMESPACE="env").namespace == "env"


def test_the_old_manifests_command_line() -> None:
    found = settings("-feature-gates=ClusterScoped=true", MY_POD_NAMESPACE="nats-io")
    assert found.watched is None


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--namespace", "x", "--feature-gates", "y"], "unknown feature gate"),
        (["--namespace", "x", "--watch-namespaces", "A"], "not a valid namespace name"),
        (["--namespace", "x", "--namespace-selectors"], "requires ClusterScoped=true"),
        (
            ["--namespace", "x", "--watch-namespaces", "a", "--feature-gates=ClusterScoped=true"],
            "choose one",
        ),
        (["--namespace", "x", "--listen-addr", "y"], "use host:port"),
        (["--namespace", "x", "--kubeconfig", "/nowhere/config"], "cannot use kubeconfig"),
        (["--namespace", "x"], "not inside a pod"),
        ([], "set --namespace or MY_POD_NAMESPACE"),
    ],
)
def test_a_set_up_that_cannot_work_ends_with_status_2(
    argv: list[str],
    says: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MY_POD_NAMESPACE", raising=False)
    monkeypatch.setattr("natsctl.cli.run.operator.set_up_logging", lambda *_: None)
    assert nats_operator(argv) == 2
    assert says in caplog.text


def test_a_kubeconfig_that_is_no_kubeconfig(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("natsctl.cli.run.operator.set_up_logging", lambda *_: None)
    file = tmp_path / "config"
    file.write_text("no: kubeconfig")
    assert nats_operator(["--namespace", "x", "--kubeconfig", str(file)]) == 2
    assert "cannot use kubeconfig" in caplog.text


def test_an_api_server_that_does_not_answer_is_named_and_ends_with_status_1(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever started the process tries again: no set-up is wrong here, and nothing is a bug."""
    monkeypatch.setattr("natsctl.cli.run.operator.set_up_logging", lambda *_: None)
    monkeypatch.setattr("natsctl.kube.client.BUDGET", 0.1)
    file = tmp_path / "config"
    file.write_text(kubeconfig(1))
    assert nats_operator(["--namespace", "x", "--kubeconfig", str(file)]) == 1
    assert "API server" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_every_argument(command: str) -> None:
    assert without_help(module_of(command).parser_of(command)) == []
