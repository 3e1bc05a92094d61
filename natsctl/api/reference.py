"""The reference of all fields, in Markdown, made from the classes that hold them."""

from collections.abc import Iterator

from natsctl.api.crds import crds
from natsctl.api.fields import Json

HEAD = """# Reference

Every field of both APIs (`nats.io/v1alpha2`). This page is made from the classes in `natsctl/api`;
`make reference` writes it. `kubectl explain natscluster.spec` says the same on a cluster.
"""
_BOUNDS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("maxLength", "at most {} characters"),
    ("maxItems", "at most {} items"),
)


def reference() -> str:
    """The whole page."""
    return HEAD + "".join(_section(crd) for crd in crds())


def _section(crd: Json) -> str:
    (version,) = crd["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    parts = [f"\n## {crd['spec']['names']['kind']}\n\n{schema['description']}\n"]
    for part in ("spec", "status"):
        rows = "".join(_rows(schema["properties"][part], part))
        parts.append(f"\n| field | type | |\n|---|---|---|\n{rows}")
    return "".join(parts)


def _rows(schema: Json, path: str) -> Iterator[str]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        yield f"| `{here}` | {_type(field)} | {_text(field, name in required)} |\n"
        yield from _rows(field, here)
        yield from _rows(field.get("items", {}), f"{here}[]")


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
    told = [field.get("description", ""), "Required." if required else ""]
    bounds = [words.format(field[key]) for key, words in _BOUNDS if key in field]
    bounds += [words.format(inner[key]) for key, words in _BOUNDS if key in inner]
    values = [f"`{value}`" for value in (*field.get("enum", ()), *inner.get("enum", ()))]
    if values:
        bounds.append("one of " + ", ".join(values))
    if bounds:
        told.append(f"({'; '.join(bounds)})")
    rules = (*field.get("x-kubernetes-validations", ()), *inner.get("x-kubernetes-validations", ()))
    told += [f"_{rule['message']}_" for rule in rules]
    return " ".join(filter(None, told)).replace("|", "\\|")
