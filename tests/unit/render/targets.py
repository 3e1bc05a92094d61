"""Targets made from raw specs, as the operator makes them."""

from typing import Any

from hypothesis import strategies as st

from natsctl.api.fields import fields_of
from natsctl.api.parse import parse_spec
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.version import DEFAULT_VERSION, ServerVersion
from natsctl.render.inputs import ConfigInputs
from natsctl.render.target import Target
from tests.unit.api.strategies import jetstream_specs, valid_specs

KNOWN = {name for name, _ in fields_of(NatsClusterSpec)}


def target(
    name: str = "c",
    *,
    named: bool | None = None,
    joined: str | None = None,
    inputs: ConfigInputs | None = None,
    **fields: Any,
) -> Target:
    """A cluster of three in namespace ns, but for the given fields of its spec."""
    assert fields.keys() <= KNOWN, "a spec has no such field, and a test with it shows nothing"
    spec = parse_spec({"size": 3, **fields})
    version = ServerVersion.parse(spec.version or DEFAULT_VERSION)
    joined = joined or spec.cluster_name
    return Target(
        "ns", name, "uid-1", spec, version, named, inputs or ConfigInputs(), joined=joined
    )


TARGETS: st.SearchStrategy[Target] = valid_specs().map(lambda raw: target(**raw))
JETSTREAM_TARGETS: st.SearchStrategy[Target] = jetstream_specs().map(lambda raw: target(**raw))
