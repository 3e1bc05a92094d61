"""Fields that nobody knows: most of them are misspelt, and what was asked for is not done."""

import typing
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

import attrs
from attrs import frozen

from natsctl.api.fields import facts, fields_of
from natsctl.api.hints import suggestion
from natsctl.api.parse import CLOSED, ROOT
from natsctl.api.problems import Problem, member
from natsctl.api.schema.pod_fields import fields_of_kind
from natsctl.api.schema.structural import without_none
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.model.foreign import printable

MOST: Final = 64
"""Fields that are named; nobody misspells more."""
_WORDS: Final = "unknown field; it has no effect"
_SHOWN: Final = 60


def unknown_fields(raw: object, root: type = NatsClusterSpec) -> tuple[Problem, ...]:
    """Fields that no such spec has, pods and containers in it included, with what was meant.

    Those that are errors are none of these. Kubernetes may be newer than natsctl and know a
    field of a pod: that is passed on all the same.
    """
    return tuple(islice(_Search(root).spec(raw, root, ROOT), MOST))


@frozen
class _Search:
    """Looks for fields that a kind of spec does not have."""

    root: type

    def spec(self, raw: object, hint: Any, path: str) -> Iterator[Problem]:
        """Those in a value of one of our own types."""
        hint = without_none(hint)
        if typing.get_origin(hint) is tuple and isinstance(raw, list):
            for index, item in enumerate(raw):
                yield from self.spec(item, typing.get_args(hint)[0], f"{path}[{index}]")
        elif attrs.has(hint) and hint not in CLOSED and isinstance(raw, Mapping):
            known = dict(fields_of(hint))
            for key, value, here in self._known(raw, known, path):
                if isinstance(value, Problem):
                    yield value
                elif kind := facts(known[key]).kind:
                    yield from self.pod(value, kind, here)
                else:
                    yield from self.spec(value, known[key].type, here)

    def pod(self, raw: object, kind: str, path: str) -> Iterator[Problem]:
        """Those in a value of a type of Kubernetes, or in a list of such."""
        if isinstance(raw, list):
            for index, item in enumerate(raw):
                yield from self.pod(item, kind, f"{path}[{index}]")
        elif isinstance(raw, Mapping) and kind:
            known = fields_of_kind(kind)
            for key, value, here in self._known(raw, known, path):
                if isinstance(value, Problem):
                    yield value
                else:
                    yield from self.pod(value, known[key], here)

    def _known(
        self, raw: Mapping[Any, Any], known: Iterable[str], path: str
    ) -> Iterator[tuple[str, Any, str]]:
        """Each key with its value and path; instead of the value, what is wrong with the key."""
        names = tuple(known)
        for key, value in raw.items():
            if key in names:
                yield key, value, f"{path}.{key}"
            elif isinstance(key, str):
                here = member(path, printable(key, _SHOWN))
                advice = suggestion(key, names, path, self.root)
                yield key, Problem(here, "", f"{_WORDS}{advice}"), here
