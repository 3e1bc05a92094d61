"""Which API server and namespace: kubectl's conventions."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import yaml

from natsctl.cli import kubeconfig
from natsctl.cli.failures import Unusable
from natsctl.cli.kubeconfig import Place


def place(*argv: str, **environment: str) -> Place:
    parser = argparse.ArgumentParser()
    kubeconfig.add_arguments(parser)
    return kubeconfig.place_of(parser.parse_args(argv), environment)


def config(path: Path, current: str, **namespaces: str) -> Path:
    contexts = [
        {"name": name, "context": {"cluster": "c"} | ({"namespace": n} if n else {})}
        for name, n in namespaces.items()
    ]
    path.write_text(yaml.safe_dump({"current-context": current, "contexts": contexts}))
    return path


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return config(tmp_path / "one", "a", a="of-a", b="")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    return config(tmp_path / "two", "c", a="other", c="of-c")


def test_the_current_context_has_the_namespace(one: Path) -> None:
    assert place(KUBECONFIG=str(one)) == Place(str(one), "a", "of-a")


def test_flags_come_first(one: Path, two: Path) -> None:
    found = place("--kubeconfig", str(two), "--context", "c", "-n", "x", KUBECONFIG=str(one))
    assert found == Place(str(two), "c", "x")


def test_a_context_without_a_namespace(one: Path) -> None:
    assert place("--context", "b", KUBECONFIG=str(one)).namespace == "default"


def test_all_namespaces(one: Path) -> None:
    assert place("-A", KUBECONFIG=str(one)).namespace is None


def test_of_several_files_the_first_counts_and_missing_ones_do_not(one: Path, two: Path) -> None:
    found = place(KUBECONFIG=f"/nowhere:{one}:{two}")
    assert found == Place(f"{one}:{two}", "a", "of-a")


def test_the_home_directory(one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".kube").mkdir()
    home = one.rename(tmp_path / ".kube" / "config")
    assert place().kubeconfig == str(home)


def test_inside_a_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(kubeconfig, "namespace_of_pod", lambda: "of-pod")
    assert place() == Place(None, None, "of-pod")
    assert place("-n", "x").namespace == "x"


def test_nothing_to_go_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(Unusable, match="set KUBECONFIG or --kubeconfig"):
        place()


@pytest.mark.parametrize("text", ["a: [", "\x00", "", "[]"])
def test_what_is_no_kubeconfig(tmp_path: Path, text: str) -> None:
    (tmp_path / "c").write_text(text)
    with pytest.raises(Unusable, match="cannot use kubeconfig"):
        place("--kubeconfig", str(tmp_path / "c"))
    with pytest.raises(Unusable, match="cannot use kubeconfig"):
        place("--kubeconfig", str(tmp_path / "none"))
