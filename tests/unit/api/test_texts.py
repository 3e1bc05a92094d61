"""Every text of the API is declared as what it stands for, and names are names."""

import re
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import pytest
from attrs import frozen

from natsctl.api import texts
from natsctl.api.fields import Facts, Json, Text, described, facts, fields_of
from natsctl.api.parse import parse_spec, structure
from natsctl.api.problems import InvalidSpec
from natsctl.api.schema.bounds import out_of_bounds
from natsctl.api.schema.crds import crds
from natsctl.api.schema.structural import object_schema, without_none
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.network import SHAPES
from natsctl.api.types.service_role import NatsServiceRoleSpec
from natsctl.api.types.template import PodTemplate, Toleration, VolumeMount
from tests.unit.api.hostile import HOSTILE
from tests.unit.api.specs import complaints

ROOTS = (NatsClusterSpec, NatsServiceRoleSpec, PodTemplate, Toleration, VolumeMount, *SHAPES)
NAMES_OF_OBJECTS = {
    "clientsAuthSecret",
    "clusterAuthSecret",
    "gatewayAuthSecret",
    "gatewaySecret",
    "leafnodeSecret",
    "routesSecret",
    "secret",
    "serverSecret",
    "serviceAccountName",
    "websocketSecret",
}
# What sounds like the name of an object or a file; a field that does and is none is listed below.
SOUNDS = re.compile("secret|account|namespace|configmap|cluster|filename|key$", re.IGNORECASE)
SOUNDS_ONLY = {
    "clusterName": texts.SERVER_SIDE,
    "systemAccount": texts.NKEY,
    "key": texts.LABELS,
}


def fields(cls: type, path: str = "") -> Iterator[tuple[str, type, Facts]]:
    """JSON path, type and facts of every field that is no object itself."""
    for name, attribute in fields_of(cls):
        hint, here = without_none(attribute.type), f"{path}.{name}"
        if typing.get_origin(hint) is tuple:
            hint, here = typing.get_args(hint)[0], f"{here}[]"
        if attrs.has(hint):
            yield from fields(hint, here)
        else:
            yield here, hint, facts(attribute)


def is_text(hint: Any) -> bool:
    return hint is str or (typing.get_origin(hint) is Mapping and typing.get_args(hint)[1] is str)


ALL = [
    (f"{root.__name__}{path}", hint, known) for root in ROOTS for path, hint, known in fields(root)
]
TEXT_FIELDS = [(path, known) for path, hint, known in ALL if is_text(hint)]
# Those of the NatsCluster that become parts of requests, or names of files.
NAMED = [
    (path.removeprefix("NatsClusterSpec."), known)
    for path, known in TEXT_FIELDS
    if path.startswith("NatsClusterSpec") and known.text and known.text.pattern
]


def undeclared(root: type) -> list[str]:
    return [
        path
        for path, hint, known in fields(root)
        if is_text(hint) and known.text is None and not known.enum
    ]


@pytest.mark.parametrize("root", ROOTS)
def test_every_text_says_what_it_stands_for(root: type) -> None:
    assert undeclared(root) == []


def test_one_that_does_not_is_found() -> None:
    @frozen
    class Careless:
        """Somebody forgot."""

        secret: str = described("A Secret.", default="")
        names: tuple[str, ...] = described("Several.", default=(), max_items=2)
        labels: Mapping[str, str] = described("Labels.", factory=dict)
        choice: str = described("One of two.", default="a", enum=("a", "b"))

    assert undeclared(Careless) == [".secret", ".names[]", ".labels"]


def test_what_names_an_object_or_a_file_is_declared_so() -> None:
    last = {path.rpartition(".")[2].removesuffix("[]"): known for path, known in TEXT_FIELDS}
    sounding = {name: known.text for name, known in last.items() if SOUNDS.search(name)}
    patterned = {n for n, text in sounding.items() if text and text.pattern}
    assert {n: text for n, text in sounding.items() if n not in patterned} == SOUNDS_ONLY
    assert patterned >= NAMES_OF_OBJECTS


def strings(schema: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if schema.get("type") == "string":
        yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from strings(inner, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from strings(schema[key], path)


def test_the_schema_has_their_patterns_and_lengths() -> None:
    cluster = crds()[0]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    found = dict(strings(cluster, ""))
    assert len(NAMED) > 20
    for path, known in NAMED:
        schema = found[f".{path.replace('[]', '')}"]
        assert known.text is not None
        assert schema["pattern"] == f"^({known.text.pattern})?$"
        assert schema["maxLength"] == known.text.max_length


# Texts that may have capital letters.
MIXED_CASE = (texts.FILE, texts.DOMAIN, texts.TAG, texts.SECRET_KEY, texts.LABEL_KEY)


def spec_with(path: str, value: Any) -> Json:
    """A spec with this value there; enough around it to be understood."""
    made: Any = value
    for step in reversed(path.split(".")):
        name, listed = step.removesuffix("[]"), step.endswith("[]")
        made = {name: [made] if listed else made}
        if name in ("key", "cipher"):
            made |= {"secret": "s"}
    return {"size": 1, **made}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(("path", "known"), NAMED, ids=[path for path, _ in NAMED])
def test_nothing_else_gets_through(path: str, known: Facts, text: str) -> None:
    assert known.text is not None
    if known.text in MIXED_CASE and text == "Secret":
        parse_spec(spec_with(path, text))
        return
    with pytest.raises(InvalidSpec) as caught:
        parse_spec(spec_with(path, text))
    (problem,) = caught.value.problems
    assert problem.path == f"spec.{path.replace('[]', '[0]')}"
    assert len(str(problem)) < 400
    assert problem.message.isprintable()
    pattern = object_schema(NatsClusterSpec), known.text.pattern
    longest = known.longest or 0
    assert len(text) > longest or not re.fullmatch(f"({pattern[1]})?", text, re.ASCII)


@pytest.mark.parametrize(("path", "known"), NAMED, ids=[path for path, _ in NAMED])
def test_an_empty_text_is_the_same_as_none_or_refused(path: str, known: Facts) -> None:
    parse_spec(spec_with(path, ""))
    empty, none = (complaints(**spec_with(path, value)) for value in ("", None))
    refused = [each.partition(":")[0] for each in empty] == [f"spec.{path.replace('[]', '[0]')}"]
    assert empty == none or refused


@pytest.mark.parametrize("name", ["a", "a-1.b", "1", "x" * 253])
def test_what_objects_are_called(name: str) -> None:
    assert complaints(auth={"clusterAuthSecret": name}) == []


@pytest.mark.parametrize("name", ["ca.crt", "CA_2.pem", "..2024", "...", "a..b", ".x", "..x/y"])
def test_what_keys_of_a_secret_are_called(name: str) -> None:
    good = not name.startswith("..")
    assert (complaints(tls={"serverSecretCAFileName": name}) == []) is good


@pytest.mark.parametrize("path", ["/etc/certs/ca.pem", "/a b/\u00e9.pem"])
def test_files_may_be_elsewhere_in_the_container(path: str) -> None:
    assert complaints(tls={"routesSecretCAFileName": path}) == []


def test_a_name_made_without_reading_a_spec_is_checked_too() -> None:
    raw = parse_spec({"size": 1, "auth": {"clusterAuthSecret": "s"}})
    assert raw.auth is not None
    forged = attrs.evolve(raw, auth=attrs.evolve(raw.auth, cluster_auth_secret="../x"))
    assert [p.path for p in out_of_bounds(forged, "spec")] == ["spec.auth.clusterAuthSecret"]


def test_names_inside_a_template_are_checked() -> None:
    with pytest.raises(InvalidSpec, match=r"^t\.spec\.serviceAccountName: '\.\./x' is not"):
        structure({"spec": {"serviceAccountName": "../x"}}, PodTemplate, "t")


def test_names_in_lists_are_checked_one_by_one() -> None:
    @frozen
    class Several:
        """Names."""

        secrets: tuple[str, ...] = texts.object_names("Secret", "Some.", max_items=4)

    with pytest.raises(InvalidSpec, match=r"^s\.secrets\[1\]: '\.\.' is not a valid Secret name"):
        structure({"secrets": ["a", ".."]}, Several, "s")
    schema = object_schema(Several)["properties"]["secrets"]
    assert schema["items"]["pattern"].startswith("^(")
    assert schema["items"]["maxLength"] == 253


def test_a_text_without_a_pattern_is_what_its_own_check_says() -> None:
    assert Text("a word").problem("anything\n") is None
    assert Text("a word", max_length=2).problem("abc") == "is longer than 2 characters"
