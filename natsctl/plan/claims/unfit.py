"""Why servers of a spec cannot use what is on a volume: they do not see it, or cannot read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from natsctl.api.problems import Problem, shown
from natsctl.api.version import ServerVersion, number_of
from natsctl.api.version_borders import border
from natsctl.plan.claims.data import fields_of
from natsctl.plan.claims.replaceable import are_replaceable
from natsctl.render.revision.data import ENCRYPTION, ENCRYPTION_FIELDS
from natsctl.render.revision.revision import STREAM_KEY, STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from natsctl.api.types.cluster import NatsClusterSpec
    from natsctl.plan.claims.data import Data


def unfit(
    name: str, data: Data, spec: NatsClusterSpec, version: ServerVersion
) -> Iterator[Problem]:
    """Why servers of this spec and version cannot use what is on the volume of this claim."""
    wanted, there = fields_of(spec), data.fields
    paths = {*wanted, *there} - {STREAM_KEY}
    if are_replaceable(spec):  # a volume keeps what it is encrypted with until it is replaced
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
            f"other's streams; set it to {'2 or more' if spec.size == 1 else 1}"
        )
        return Problem("spec.size", str(spec.size), message)
    now = "is not set" if wanted is None else f"is {shown(wanted)}"
    then = "without it; remove it" if there is None else f"with {shown(there)}; set it to that"
    message = f"{now}, but what is on {name} was stored {then}, or create another NatsCluster"
    return Problem(f"spec.{path}", wanted or "", message)
