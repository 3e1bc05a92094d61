"""What the data on a volume depends on: noted on its claim, which may outlive its NatsCluster.

Another NatsCluster of the name takes the volume back, and its spec may differ. Then its servers
would not see what is stored, or could not read it. While a server has a pod, that tells what its
data depends on, and the claim repeats it; a server without one starts only if the claim says that
the data fits, and that the release which starts may have written to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from natsctl.api.problems import Problem, shown
from natsctl.api.types.jetstream import replaces_volumes
from natsctl.api.version import ServerVersion, number_of
from natsctl.api.version_borders import border
from natsctl.model import limits
from natsctl.model.names import MAX_SIZE
from natsctl.plan.encryption.seal import parse_key_seal
from natsctl.render.revision.data import (
    CLUSTER_NAME,
    DATA_FIELDS,
    ENCRYPTION,
    ENCRYPTION_FIELDS,
    identity_of,
)
from natsctl.render.revision.revision import STREAM_KEY, STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.plan.encryption.seal import KeySeal

UNKNOWN: Final = "unknown"
"""What a user notes on a claim that says nothing, so that a new NatsCluster takes it as it is."""
_LONGEST: Final = 4 * 1024
_VALUES: Final = 32
_TEXT: Final = 256
_FIELDS: Final = frozenset({STREAMS, CLUSTER_NAME, STREAM_KEY, *DATA_FIELDS})
_TOLD: Final = ("fields", "size", "version", "limit")
_RELEASE: Final = re.compile(r"[0-9](\.[0-9]{1,9}){1,2}", re.ASCII)


@attrs.frozen
class Data:
    """`fields` by path, those that are set; `size`: how many servers may have stored something.

    `version` is the newest release that may have written it last; empty: nobody knows. `limit`:
    bytes that each server may have stored on disk; 0: none, or an earlier natsctl wrote it. `more`
    is what a newer natsctl noted beside that: it stays. What data depends on so that nobody may
    overlook it belongs into `fields`: there, what is not known makes all of it unreadable.
    """

    fields: Mapping[str, str]
    size: int
    version: str = ""
    limit: int = 0
    more: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def key(self) -> KeySeal | None:
        """What it is encrypted with; None: with nothing, or nothing was stored yet."""
        return parse_key_seal(self.fields.get(STREAM_KEY, ""))


def data_text(data: Data) -> str:
    """The annotation."""
    told = attrs.asdict(data, filter=attrs.filters.exclude("more"))
    if not data.limit:
        del told["limit"]
    return json.dumps({**data.more, **told}, sort_keys=True, separators=(",", ":"))


def parse_data(text: str) -> Data | None:
    """What is noted; None if somebody edited it, or a newer natsctl knows more fields."""
    try:
        told = limits.load(text.encode(), _LONGEST, _VALUES)
    except ValueError:
        return None
    match {"limit": 0, **told} if isinstance(told, dict) else told:
        case {
            "fields": dict(fields),
            "size": int(size),
            "version": str(version),
            "limit": int(limit),
        } if _are_fields(fields) and _are_numbers(size, limit) and _is_release(version):
            return _with_additions(Data(fields, size, version, limit), told)
    return None


def _are_numbers(size: int, limit: int) -> bool:
    return {type(size), type(limit)} == {int} and 0 < size <= MAX_SIZE and limit >= 0


def _is_release(version: str) -> bool:
    return not version or _RELEASE.fullmatch(version) is not None


def _with_additions(data: Data, told: Mapping[str, Any]) -> Data | None:
    """None if they are so long that, with all else at its longest, nobody would read the note."""
    more = {key: each for key, each in told.items() if key not in _TOLD}
    return attrs.evolve(data, more=more) if len(json.dumps(more)) <= _TEXT else None


def _are_fields(fields: Mapping[str, Any]) -> bool:
    texts = (isinstance(text, str) and 0 < len(text) <= _TEXT for text in fields.values())
    known = STREAMS in fields and fields.keys() <= _FIELDS and all(texts)
    return known and (STREAM_KEY not in fields or parse_key_seal(fields[STREAM_KEY]) is not None)


def read_data(texts: Iterable[str]) -> dict[str, Data]:
    """What can be read of these, by the text."""
    told = ((text, parse_data(text)) for text in dict.fromkeys(texts))
    return {text: data for text, data in told if data is not None}


def fields_of(spec: NatsClusterSpec) -> dict[str, str]:
    """What data of servers made for this spec depends on, as far as the spec tells it."""
    return {path: str(value) for path, value in identity_of(spec).items() if value is not None}


def unfit(
    name: str, data: Data, spec: NatsClusterSpec, version: ServerVersion
) -> Iterator[Problem]:
    """Why servers of this spec and version cannot use what is on the volume of this claim."""
    wanted, there = fields_of(spec), data.fields
    paths = {*wanted, *there} - {STREAM_KEY}
    if replaces_volumes(spec.jetstream, spec.size):  # each keeps what it has until then
        paths -= {*ENCRYPTION_FIELDS}
    elif (ENCRYPTION_FIELDS[0] in wanted) is not (ENCRYPTION_FIELDS[0] in there):
        paths -= {*ENCRYPTION_FIELDS}
        yield _encryption(name, there)
    for path in sorted(paths):
        if wanted.get(path) != there.get(path):
            yield _difference(name, path, spec, wanted.get(path), there.get(path))
    number = number_of(data.version)
    crossed = border(number, version.number, stores=True) if number is not None else None
    if crossed is not None:
        message = (
            f"is {version}, but servers of {data.version} may have stored what is on {name}: "
            f"{crossed.why}; set it to {crossed.first} first"
        )
        yield Problem("spec.version", version.text, message)


def _encryption(name: str, there: Mapping[str, str]) -> Problem:
    told = {path.rpartition(".")[2]: there[path] for path in ENCRYPTION_FIELDS if path in there}
    words = ", ".join(f"{field} {shown(value)}" for field, value in told.items())
    message = f"is not set, but what is on {name} is encrypted; set it, with {words}"
    if not told:
        message = (
            f"is set, but what is on {name} was stored without it; remove it, or create another "
            "NatsCluster"
        )
    return Problem(f"spec.{ENCRYPTION}", "", message)


def _difference(
    name: str, path: str, spec: NatsClusterSpec, wanted: str | None, there: str | None
) -> Problem:
    if path == STREAMS:
        message = (
            f"is {spec.size}, but what is on {name} was stored by "
            f"{'a cluster' if spec.size == 1 else 'a single server'}, and these do not see each "
            f"other's streams; set it to {'2 or more' if spec.size == 1 else 1}, or, if you do not "
            "need the data, delete its claim"
        )
        return Problem("spec.size", str(spec.size), message)
    now = "is not set" if wanted is None else f"is {shown(wanted)}"
    then = "without it; remove it" if there is None else f"with {shown(there)}; set it to that"
    message = f"{now}, but what is on {name} was stored {then}, or create another NatsCluster"
    return Problem(f"spec.{path}", wanted or "", message)
