"""How the API server changes an object: patches, server-side apply, selectors of labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def merged(whole: Any, patch: Any) -> Any:
    """A merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(whole) if isinstance(whole, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def json_patched(whole: Any, operations: list[Json]) -> Any:
    """A JSON patch (RFC 6902) of add, replace and remove."""
    for operation in operations:
        keys = [k.replace("~1", "/").replace("~0", "~") for k in operation["path"].split("/")[1:]]
        whole = _changed(whole, keys, operation)
    return whole


def _changed(whole: Any, keys: list[str], operation: Json) -> Any:
    first, rest = keys[0], keys[1:]
    place: Any = int(first) if isinstance(whole, list) else first
    copied = whole.copy()
    if rest:
        copied[place] = _changed(whole[place], rest, operation)
    elif operation["op"] == "remove":
        del copied[place]
    else:
        copied[place] = operation["value"]
    return copied


def fields_of(content: Any) -> Json:
    """The fields that a manifest sets, as managedFields names them; a list is one field."""
    if not isinstance(content, dict):
        return {}
    return {f"f:{key}": fields_of(value) for key, value in content.items()}


def applied(live: Json, manifest: Json, before: Json) -> Json:
    """A forced apply: what is named wins; what was `before`, and is not named any more, goes."""
    merged: Json = _merge_over(_without(live, before, fields_of(manifest)), manifest)
    return merged


def _without(live: Any, before: Json, now: Json) -> Any:
    if not isinstance(live, dict):
        return live
    result = dict(live)
    for field, inner in before.items():
        key = field.removeprefix("f:")
        if key not in result:
            continue
        if field in now:
            result[key] = _without(result[key], inner, now[field])
        elif inner and isinstance(result[key], dict):
            result[key] = _without(result[key], inner, {})
            if not result[key]:
                del result[key]
        else:
            del result[key]
    return result


def _merge_over(live: Any, manifest: Any) -> Any:
    if not isinstance(live, dict) or not isinstance(manifest, dict):
        return manifest
    return {**live, **{k: _merge_over(live.get(k), v) for k, v in manifest.items()}}


def selects(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether a label selector chooses an object with these labels."""
    for part in filter(None, selector.split(",")):
        key, equals, value = part.partition("=")
        if equals:
            good = labels.get(key) == value
        elif key.startswith("!"):
            good = key[1:] not in labels
        else:
            good = key in labels
        if not good:
            return False
    return True
