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
class Examined:
    """A spec (None if it cannot be acted on at all), what is wrong, and what is worth knowing.

    `problems` keep it from being acted on; `remarks` are of what is likely meant otherwise.
    """

    spec: NatsClusterSpec | None
    problems: tuple[Problem, ...] = ()
    remarks: tuple[Problem, ...] = ()


def examine(
    name: str,
    raw: object,
    version: Callable[[NatsClusterSpec], ServerVersion] | None = None,
    *,
    running: bool = False,
) -> Examined:
    """A cluster's spec; `version` tells what it runs, which it may not say itself.

    `running`: as for `validate`.
    """
    spec, wrong = read_spec(raw)
    invalid = validate(name, spec, version(spec) if version else None, running=running)
    mounts = tuple(islice(lost_mounts(name, spec), MOST))
    problems = (*wrong, *apart(invalid, wrong))
    return Examined(None if wrong else spec, problems, (*unknown_fields(raw), *mounts))


def examine_role(
    raw: object, version: ServerVersion | None = None
) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Problems and remarks of a role, as for `examine`; `version` is what its cluster runs."""
    spec, wrong = parse_leniently(raw, NatsServiceRoleSpec, ROOT)
    problems = (*wrong, *apart(validate_role(spec, version), wrong))
    return problems, unknown_fields(raw, NatsServiceRoleSpec)
