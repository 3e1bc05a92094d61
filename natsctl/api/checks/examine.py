"""Everything that can be said of a spec, in one round."""

from collections.abc import Callable
from itertools import islice

from attrs import frozen

from natsctl.api.checks.mounts import lost_mounts
from natsctl.api.checks.service_role import validate_role
from natsctl.api.checks.unknown_fields import MOST, unknown_fields
from natsctl.api.checks.validate import validate
from natsctl.api.parse import ROOT, parse_leniently, read_spec
from natsctl.api.problems import Problem, apart
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.service_role import NatsServiceRoleSpec
from natsctl.api.version import ServerVersion


@frozen
class Reading:
    """What a spec says, as far as it can be understood, whatever version it is for."""

    spec: NatsClusterSpec
    wrong: tuple[Problem, ...]
    remarks: tuple[Problem, ...]


@frozen
class Examined:
    """A spec (None if it cannot be acted on at all), what is wrong, and what is worth knowing.

    `problems` keep it from being acted on; `remarks` are of what is likely meant otherwise.
    """

    spec: NatsClusterSpec | None
    problems: tuple[Problem, ...] = ()
    remarks: tuple[Problem, ...] = ()
    reading: Reading | None = None
    judged_for: tuple[ServerVersion | None, bool] = (None, False)


def examine(
    name: str,
    raw: object,
    version: Callable[[NatsClusterSpec], ServerVersion] | None = None,
    *,
    running: bool = False,
    known: Examined | None = None,
) -> Examined:
    """A cluster's spec; `version` tells what it runs, which it may not say itself.

    `running`: as for `validate`. `known` is what was found in the same `raw` before, to be told
    again if nothing else changed.
    """
    reading = (known.reading if known else None) or _read(name, raw)
    judged_for = version(reading.spec) if version else None, running
    if known and known.judged_for == judged_for:
        return known
    invalid = validate(name, reading.spec, judged_for[0], running=running)
    return Examined(
        None if reading.wrong else reading.spec,
        (*reading.wrong, *apart(invalid, reading.wrong)),
        reading.remarks,
        reading,
        judged_for,
    )


def _read(name: str, raw: object) -> Reading:
    spec, wrong = read_spec(raw)
    mounts = islice(lost_mounts(name, spec), MOST)
    return Reading(spec, wrong, (*unknown_fields(raw), *mounts))


def examine_role(
    raw: object, version: ServerVersion | None = None
) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Problems and remarks of a role, as for `examine`; `version` is what its cluster runs."""
    spec, wrong = parse_leniently(raw, NatsServiceRoleSpec, ROOT)
    problems = (*wrong, *apart(validate_role(spec, version), wrong))
    return problems, unknown_fields(raw, NatsServiceRoleSpec)
