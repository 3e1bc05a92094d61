"""What somebody may have meant by a field that nobody knows."""

import difflib
import typing
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Final

import attrs

from natsctl.api.fields import facts, fields_of
from natsctl.api.schema.pod_fields import fields_of_kind
from natsctl.api.schema.structural import without_none

LONGEST: Final = 64
"""Characters of a key that is worth a comparison: no name of a field is longer."""
_FEW: Final = 12
_PLACES: Final = 2
_CLOSE: Final = 0.75
# What other charts and operators call it.
_ELSEWHERE: Final = {
    "env": "spec.pod.natsEnv",
    "image": "spec.serverImage",
    "imagetag": "spec.version",
    "podtemplate": "spec.template",
    "replicas": "spec.size",
    "tag": "spec.version",
}


def hint(key: str, known: Iterable[str]) -> str:
    """`; did you mean ...?`, or else `; the keys are ...`."""
    names = tuple(known)
    close = closest(key, names)
    return f"; did you mean {close}?" if close else f"; the keys are {', '.join(names)}"


def suggestion(key: str, known: Iterable[str], path: str, root: type) -> str:
    """`: did you mean ...?` of a field found at `path`, also by where else there is such a field.

    `root` is the class of the spec that it was found in.
    """
    names = tuple(known)
    same = tuple(name for name in names if _plain(name) == _plain(key))
    meant = same or _elsewhere(key, path, root) or tuple(filter(None, [closest(key, names)]))
    if meant:
        return f": did you mean {' or '.join(meant)}?"
    return f": the fields are {', '.join(names)}" if 0 < len(names) <= _FEW else ""


def closest(key: str, known: Iterable[str]) -> str | None:
    """The name that is most like this one, if any is."""
    if len(key) > LONGEST:
        return None
    plain = {_plain(name): name for name in known}
    matches = difflib.get_close_matches(_plain(key), plain, n=1, cutoff=_CLOSE)
    return plain[matches[0]] if matches else None


def _plain(name: str) -> str:
    """What is the same however it is spelt."""
    return name.replace("_", "").replace("-", "").lower()


def _elsewhere(key: str, path: str, root: type) -> tuple[str, ...]:
    """Other places where a field of this name is, if they are few."""
    inside = path.startswith("spec.template")
    plain = _plain(key)
    usual = _ELSEWHERE.get(plain)
    if usual in _all(root) and not inside:
        return (usual,)
    places = _places(root).get(plain, ())
    near = tuple(p for p in places if p.startswith("spec.template") is inside) or places
    near = tuple(p for p in near if p.startswith("spec.pod.")) or near
    return near if len(near) <= _PLACES else ()


@cache
def _places(root: type) -> Mapping[str, tuple[str, ...]]:
    places: dict[str, tuple[str, ...]] = {}
    for path in _all(root):
        plain = _plain(path.rpartition(".")[2])
        places[plain] = (*places.get(plain, ()), path)
    return places


@cache
def _all(root: type) -> tuple[str, ...]:
    return tuple(_paths(root, "spec"))


def _paths(cls: type, path: str) -> Iterator[str]:
    for name, attribute in fields_of(cls):
        hint, here = without_none(attribute.type), f"{path}.{name}"
        yield here
        if facts(attribute).kind == "PodTemplateSpec":
            yield from (f"{here}.metadata.{each}" for each in ("labels", "annotations"))
            yield from (f"{here}.spec.{each}" for each in fields_of_kind("PodSpec"))
            containers = f"{here}.spec.containers[]"
            yield from (f"{containers}.{each}" for each in fields_of_kind("Container"))
        if typing.get_origin(hint) is tuple:
            hint, here = typing.get_args(hint)[0], f"{here}[]"
        if attrs.has(hint):
            yield from _paths(hint, here)
