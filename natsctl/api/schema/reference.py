"""The reference of all fields, in Markdown, made from the classes that hold them."""

import typing
from collections.abc import Iterator, Mapping

import attrs

from natsctl.api.fields import Json, fields_of
from natsctl.api.schema.crds import crds
from natsctl.api.schema.spec_fields import spec_fields
from natsctl.api.schema.structural import without_none
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.service_role import NatsServiceRoleSpec
from natsctl.api.version import DEFAULT_VERSION

HEAD = f"""# Reference

All fields of both APIs (`nats.io/v1alpha2`). `make reference` generates this page from the classes
in `natsctl/api`. On a cluster, `kubectl explain natscluster.spec` shows the same descriptions.

A field without a default is unset or empty by default. The operator applies defaults when it reads
a spec and does not write them into stored objects. A new cluster without a `version` gets
{DEFAULT_VERSION}. Sentences in italics are validation messages, which the API server returns when a
rule is violated.

The column "a change" describes how a change of the field affects the servers of a NatsCluster.
"Reloads servers" means that they apply the change while they run. Servers that cannot reload, such
as those below 2.10 without `pod.enableConfigReload`, restart one at a time instead. A field that
depends on another one, as `metricsImage` depends on `enableMetrics`, does not affect servers until
the other one is set.
"""
_BOUNDS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("maxLength", "at most {} characters"),
    ("maxItems", "at most {} items"),
    ("maxProperties", "at most {} keys"),
)
_SPECS = {"NatsCluster": NatsClusterSpec, "NatsServiceRole": NatsServiceRoleSpec}


def reference() -> str:
    """The whole page."""
    return HEAD + "".join(_section(crd) for crd in crds())


def _section(crd: Json) -> str:
    (version,) = crd["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    kind = crd["spec"]["names"]["kind"]
    text = " ".join([schema["description"], *_rules(schema)])
    parts = [f"\n## {kind}\n\n{text}\n"]
    defaults = dict(_defaults(_SPECS[kind], "spec"))
    for part in ("spec", "status"):
        costs = (kind, part) == ("NatsCluster", "spec")
        head = ("field", "type", "default", *(("a change",) if costs else ()))
        rows = "".join(_rows(schema["properties"][part], part, defaults, costs))
        parts.append(f"\n| {' | '.join(head)} | |\n|{'---|' * (len(head) + 1)}\n{rows}")
    return "".join(parts)


def _defaults(cls: type, path: str) -> Iterator[tuple[str, str]]:
    """Path and default of every field that has one."""
    for name, attribute in fields_of(cls):
        here, hint = f"{path}.{name}", without_none(attribute.type)
        if isinstance(attribute.default, bool | int | str):
            yield here, f"`{str(attribute.default).lower()}`"
        if typing.get_origin(hint) is tuple:
            here, hint = f"{here}[]", typing.get_args(hint)[0]
        if attrs.has(hint):
            yield from _defaults(hint, here)


def _rows(schema: Json, path: str, defaults: Mapping[str, str], costs: bool) -> Iterator[str]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        change = (_change(here.removeprefix("spec.")),) if costs else ()
        text = _text(field, name in required)
        cells = (f"`{here}`", _type(field), defaults.get(here, ""), *change, text)
        yield f"| {' | '.join(cells)} |\n"
        yield from _rows(field, here, defaults, costs)
        yield from _rows(field.get("items", {}), f"{here}[]", defaults, costs)


def _change(path: str) -> str:
    """What is inside a list, or an object of Kubernetes, changes with the whole of it."""
    while path not in spec_fields():
        path = path.rpartition(".")[0].removesuffix("[]")
    return spec_fields()[path].effect.words


def _type(field: Json) -> str:
    if field.get("x-kubernetes-int-or-string") or "anyOf" in field:
        return "integer or string"
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    if "additionalProperties" in field:
        return f"map of {_type(field['additionalProperties'])}"
    return str(field.get("type", "any"))


def _text(field: Json, required: bool) -> str:
    inner = field.get("items", {})
    sentences = [field.get("description", ""), "Required." if required else ""]
    bounds = [words.format(field[key]) for key, words in _BOUNDS if key in field]
    bounds += [words.format(inner[key]) for key, words in _BOUNDS if key in inner]
    values = [f"`{value}`" for value in (*field.get("enum", ()), *inner.get("enum", ()))]
    if values:
        bounds.append("one of " + ", ".join(values))
    if bounds:
        sentences.append(f"({'; '.join(bounds)})")
    sentences += [*_rules(field), *_rules(inner)]
    return " ".join(filter(None, sentences)).replace("|", "\\|")


def _rules(field: Json) -> Iterator[str]:
    return (f"_{rule['message']}_" for rule in field.get("x-kubernetes-validations", ()))
