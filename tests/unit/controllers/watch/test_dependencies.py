"""Which clusters look at which others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from natsctl.controllers.watch.dependencies import Dependencies
from natsctl.kube.store import Key

KEYS = st.sampled_from([("ns", name) for name in "abc"])


@given(st.lists(st.tuples(KEYS, st.frozensets(KEYS))))
def test_it_knows_who_looks_at_whom_by_what_was_said_last(
    said: list[tuple[Key, frozenset[Key]]],
) -> None:
    links = Dependencies()
    for cluster, others in said:
        links.name(cluster, others)
    last = dict(said)
    for name in "abc":
        looking = {c for c, others in last.items() if ("ns", name) in others}
        assert set(links.dependents(("ns", name))) == looking
    for cluster in last:
        links.name(cluster, frozenset())
    assert (links._named, dict(links._dependents)) == ({}, {})


def test_asking_keeps_nothing() -> None:
    links = Dependencies()
    assert links.dependents(("ns", "a")) == ()
    assert not links._dependents
