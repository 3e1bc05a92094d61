"""Requests go where their names say, or nowhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.kube.errors import NoName, NotFound
from natsctl.kube.paths import about, by_name, labelled, namespace_of, proxy_path
from natsctl.kube.resources import ACCOUNTS_METADATA, CLUSTERS, CRDS, PODS, SECRETS
from tests.unit.api.hostile import HOSTILE, TEXTS

PACKAGE = Path(__file__).resolve().parents[3] / "natsctl"
MASKING = [PACKAGE / "model/foreign.py"]
"""Names parameters that may be shown; it asks for nothing."""
WAYS: dict[str, Callable[[str], object]] = {
    "namespace": lambda text: SECRETS.path(text),
    "namespace of an object": lambda text: SECRETS.path(text, "s"),
    "name": lambda text: SECRETS.path("ns", text),
    "name without namespace": lambda text: CRDS.path(None, text),
    "account": lambda text: ACCOUNTS_METADATA.path("ns", text, "token"),
    "pod": lambda text: proxy_path("ns", text, 8222, "varz", secure=False),
    "page": lambda text: proxy_path("ns", "c-1", 8222, text, secure=False),
    "field selector": by_name,
    "subject of events": lambda text: about("NatsCluster", text),
}


def test_collections_objects_and_their_parts() -> None:
    assert SECRETS.path() == "/api/v1/secrets"
    assert SECRETS.path("ns") == "/api/v1/namespaces/ns/secrets"
    assert CLUSTERS.path("ns", "c", "status") == (
        "/apis/nats.io/v1alpha2/namespaces/ns/natsclusters/c/status"
    )
    assert ACCOUNTS_METADATA.path("ns", "r.1", "token") == (
        "/api/v1/namespaces/ns/serviceaccounts/r.1/token"
    )
    assert CRDS.path(None, "natsclusters.nats.io").endswith("/natsclusters.nats.io")
    assert proxy_path("ns", "c-1", 8222, "varz", secure=True) == (
        "/api/v1/namespaces/ns/pods/https:c-1:8222/proxy/varz"
    )


def test_selections() -> None:
    assert by_name("r") == {"fieldSelector": "metadata.name=r"}
    assert labelled({"app": "nats", "a": ""}) == {"labelSelector": "app=nats,a="}
    assert about("Pod") == {"fieldSelector": "involvedObject.kind=Pod"}
    assert about("Pod", "c-1") == {
        "fieldSelector": "involvedObject.kind=Pod,involvedObject.name=c-1"
    }


@pytest.mark.parametrize("text", [*HOSTILE, "", "a" * 254])
@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_name_is_asked_for_nowhere(way: str, text: str) -> None:
    with pytest.raises(NoName, match="no request was sent") as caught:
        WAYS[way](text)
    assert isinstance(caught.value, NotFound)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", [t for t in HOSTILE if t not in ("Secret",)])
def test_labels_choose_by_values_only(text: str) -> None:
    with pytest.raises(NoName):
        labelled({"nats_cluster": text})


@pytest.mark.parametrize("text", [None, 7, ["a"]])
def test_what_is_no_text_is_no_name(text: Any) -> None:
    with pytest.raises(NoName):
        by_name(text)


@given(TEXTS | st.text(), TEXTS | st.text())
def test_no_text_leads_out_of_its_segment(namespace: str, name: str) -> None:
    try:
        path = PODS.path(namespace, name, "status")
    except NoName:
        return
    assert path.split("/") == ["", "api", "v1", "namespaces", namespace, "pods", name, "status"]
    assert re.fullmatch("[a-z0-9/.-]+", path, re.ASCII)
    assert not {".", ".."} & set(path.split("/"))


def constants(module: Path) -> Iterator[str]:
    """Every text in a module's code that is no docstring."""
    tree = ast.parse(module.read_text())
    told = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def test_they_are_put_together_in_one_place_only() -> None:
    """The type checker lets no other text be asked for; this looks for ways around it."""
    path = re.compile(r"/apis?/|/namespaces/|fieldSelector|metadata\.name=|involvedObject\.")
    modules = [m for m in sorted(PACKAGE.rglob("*.py")) if m != PACKAGE / "kube/paths.py"]
    asking = [m for m in modules if m not in MASKING]
    assert [m.name for m in asking for text in constants(m) if path.search(text)] == []
    assert all(any(path.search(text) for text in constants(m)) for m in MASKING)
    made = [m.name for m in modules if re.search(r"\b(ApiPath|Selection)\(", m.read_text())]
    assert made == []
    whole = (PACKAGE / "kube/transport.py").read_text()
    assert whole.count("path: ApiPath") == 2


def test_a_path_tells_its_namespace() -> None:
    assert namespace_of(PODS.path("ns", "p")) == "ns"
    assert namespace_of(CLUSTERS.path("ns")) == "ns"
    assert namespace_of(PODS.path()) == ""
