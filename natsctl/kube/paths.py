"""Paths and selectors of requests: the one place where they are put together.

What they are made of may come from a spec, a label, a status or a flag. So each part has to be a
name as Kubernetes has them, and there is no request if one is not: nothing can lead out of its
segment, nor out of its namespace.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, NewType

from natsctl.api.problems import shown
from natsctl.kube.errors import NoName
from natsctl.model.names import is_label_value, is_namespace, is_object_name

if TYPE_CHECKING:
    from collections.abc import Callable

ApiPath = NewType("ApiPath", str)
"""A path that was made here; nothing else can be asked for."""
Selection = NewType("Selection", Mapping[str, str])
"""Query parameters that choose among the objects of a collection."""
Subresource = Literal["status", "log", "token", "scale"]

VERSION: Final = ApiPath("/version")
EVERYTHING: Final = Selection({})

_PAGE = re.compile(r"[a-z]{1,32}", re.ASCII)


def path_of(
    api_version: str,
    plural: str,
    namespace: str | None = None,
    name: str | None = None,
    subresource: Subresource | None = None,
) -> ApiPath:
    """Path of a collection (of one namespace, or all), of one object, or of a part of that."""
    root = "/api/v1" if api_version == "v1" else f"/apis/{api_version}"
    parts = [root]
    if namespace is not None:
        parts += ["namespaces", _checked(namespace, is_namespace, "a namespace")]
    parts.append(plural)
    if name is not None:
        parts.append(_object(name))
        parts += [subresource] if subresource else []
    return ApiPath("/".join(parts))


def namespace_of(path: str) -> str:
    """The namespace of what a path leads to; empty if that is in none, or in all."""
    return path.partition("/namespaces/")[2].partition("/")[0]


def proxy_path(namespace: str, pod: str, port: int, page: str, *, secure: bool) -> ApiPath:
    """Path of a page that a pod serves, through the API server."""
    parts = (
        "/api/v1/namespaces",
        _checked(namespace, is_namespace, "a namespace"),
        "pods",
        f"{'https:' if secure else ''}{_object(pod)}:{port:d}",
        "proxy",
        _checked(page, lambda text: _PAGE.fullmatch(text) is not None, "a page"),
    )
    return ApiPath("/".join(parts))


def by_name(name: str) -> Selection:
    """Selects the objects of one name."""
    return Selection({"fieldSelector": f"metadata.name={_object(name)}"})


def labelled(labels: Mapping[str, str]) -> Selection:
    """Selects the objects with these labels; the keys are constants of ours."""
    pairs = (f"{k}={_checked(v, is_label_value, 'a label')}" for k, v in labels.items())
    return Selection({"labelSelector": ",".join(pairs)})


def about(kind: str, name: str | None = None) -> Selection:
    """Selects the Events of one object, or of all objects of a kind."""
    which = f",involvedObject.name={_object(name)}" if name is not None else ""
    return Selection({"fieldSelector": f"involvedObject.kind={kind}{which}"})


def _object(name: str) -> str:
    return _checked(name, is_object_name, "an object")


def _checked(text: str, is_good: Callable[[str], bool], what: str) -> str:
    if not isinstance(text, str) or not is_good(text):
        raise NoName(f"{shown(text)} is not a valid name of {what}: no request was sent")
    return text
