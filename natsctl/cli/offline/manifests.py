"""Manifests from files: what stands where, and what in it cannot be read."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import yaml

from natsctl.model import names

DEFAULT_NAMESPACE = "default"


class Unreadable(Exception):
    """A file that is not there or is no YAML; the message names it, and the line."""


@attrs.frozen
class Document:
    """One object of a file."""

    file: str
    content: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Its kind, or nothing."""
        return str(self.content.get("kind") or "")

    @property
    def name(self) -> str:
        """Its name, or nothing."""
        return str(self._metadata.get("name") or "")

    @property
    def namespace(self) -> str:
        """Its namespace; manifests without one are applied to some namespace or other."""
        return str(self._metadata.get("namespace") or DEFAULT_NAMESPACE)

    @property
    def labels(self) -> Mapping[str, Any]:
        """Its labels, if it has any."""
        labels = self._metadata.get("labels")
        return labels if isinstance(labels, Mapping) else {}

    @property
    def is_ours(self) -> bool:
        """Whether it is of the API group of natsctl."""
        return str(self.content.get("apiVersion") or "").startswith(f"{names.GROUP}/")

    @property
    def is_cluster(self) -> bool:
        """Whether it is a NatsCluster of ours: other projects have one, too."""
        return self.is_ours and self.kind == names.KIND_CLUSTER

    def is_core(self, kind: str) -> bool:
        """Whether it is of this kind of Kubernetes' own."""
        return self.content.get("apiVersion") == "v1" and self.kind == kind

    @property
    def _metadata(self) -> Mapping[str, Any]:
        metadata = self.content.get("metadata")
        return metadata if isinstance(metadata, Mapping) else {}

    def __str__(self) -> str:
        return f"{self.file}: {self.kind} {self.namespace}/{self.name}"


def read(files: Sequence[str]) -> tuple[Document, ...]:
    """Every object of these files, `-` being standard input; Unreadable says which is no good."""
    return tuple(document for file in files for document in _read(file))


def _read(file: str) -> Iterator[Document]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        contents = list(yaml.load_all(text, _Loader))
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{file}: {error}") from None
    except RecursionError:
        raise Unreadable(f"{file}: is nested too deeply to be read") from None
    except yaml.YAMLError as error:
        raise Unreadable(f"{file}: {_where(error)}") from None
    for content in contents:
        yield from _documents(file, content)


def _documents(file: str, content: Any) -> Iterator[Document]:
    if content is None:
        return
    if not isinstance(content, Mapping):
        raise Unreadable(f"{file}: a manifest must be an object, not a {type(content).__name__}")
    if content.get("kind") == "List" and isinstance(content.get("items"), list):
        for item in content["items"]:
            yield from _documents(file, item)
        return
    yield Document(file, content)


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"line {mark.line + 1}: " if mark is not None else ""
    return f"{place}{getattr(error, 'problem', None) or error}"


_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    """YAML in which no key comes twice: the API server takes the last, and nobody notices.

    A date is a text, as it is to the API server.
    """


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag != _TIMESTAMP]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node in (key for key, _ in node.value if key.tag != _MERGE):
        if not isinstance(key_node, yaml.ScalarNode):
            raise _error("a key must be a string", key_node)
        key = loader.construct_object(key_node)
        if key in seen:
            raise _error(f"duplicate key {key!r}", key_node)
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


def _error(problem: str, node: yaml.Node) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
