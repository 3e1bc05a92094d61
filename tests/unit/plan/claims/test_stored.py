"""What claims tell: how much there is, and under which names servers have data."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec

from natsctl.api.types.status import ClusterStatus
from natsctl.model.objects import Amounts, Cluster, Meta, PersistentVolumeClaim
from natsctl.plan.claims.note import Noted, note_text
from natsctl.plan.claims.stored import Stored, stored_of
from natsctl.plan.desired import VOLUMES_NOT_READ, ParsedSpec, desired_of, parse_cluster
from natsctl.plan.references import References
from natsctl.plan.stores.limits import Levels
from natsctl.render.config.jetstream import jetstream_block
from natsctl.render.inputs import Images
from tests.unit.plan.claims.volumes import EARLIER, SPEC, all_claims, claim, noted, with_copy
from tests.unit.plan.world import NAME, NAMESPACE, UID

GI = 2**30


def spec_of(size: str) -> dict[str, Any]:
    return SPEC | {"jetstream": {"fileStore": {"pvc": {"size": size}}}}


def cluster(spec: Any) -> Cluster:
    return Cluster(Meta(name=NAME, namespace=NAMESPACE, uid=UID, generation=1), spec=spec)


def given(found: PersistentVolumeClaim, capacity: str | None) -> PersistentVolumeClaim:
    """The same with so much room."""
    amounts = Amounts(capacity) if capacity is not None else None
    status = msgspec.structs.replace(found.status, capacity=amounts)
    return msgspec.structs.replace(found, status=status)


def stored(*claims: PersistentVolumeClaim, **note: Noted) -> Stored:
    text = note_text({int(index[1:]): each for index, each in note.items()})
    return stored_of(cluster(SPEC), claims, (text, ""))


def understood(spec: Any, found: Stored) -> ParsedSpec:
    return parse_cluster(cluster(spec), ClusterStatus(), (), stored=found)


class TestOrigins:
    def test_are_of_servers_that_an_earlier_cluster_named(self) -> None:
        assert stored(claim(1), claim(2, of=EARLIER)).origins == {2: "7e57ab1e"}

    def test_are_noted_and_outlive_the_claim(self) -> None:
        assert stored(n2=Noted("5c1e77", "7e57ab1e")).origins == {2: "7e57ab1e"}

    def test_are_as_noted_whatever_somebody_writes_on_a_claim(self) -> None:
        assert stored(claim(2, of=EARLIER), n2=Noted("5c1e77")).origins == {}
        odd = claim(2, annotations={"nats.io/server-name": 'c-2" x: "'})
        assert stored(odd).origins == {}


class TestRoom:
    def test_is_that_of_the_smallest_volume_a_server_may_store_on(self) -> None:
        """The limit is the same for all; those beyond the size count until they are empty."""
        small = given(claim(2, spec=SPEC), "9Gi")
        tiny = given(claim(4, spec=SPEC | {"size": 4}), "1Gi")
        left = with_copy(tiny, noted(1, 2))
        there = attrs.evolve(stored(left), levels=Levels(there=frozenset({4})))
        assert stored(claim(1), small, tiny).capacity(3) == GI
        assert stored(claim(1), small, left).capacity(3) == 9 * GI
        assert stored(claim(1), small, left).capacity(4) == there.capacity(3) == GI
        assert stored(claim(1), small, left, n4=Noted("000004")).capacity(3) == GI

    def test_has_nothing_to_do_with_volumes_of_others(self) -> None:
        owner = {"kind": "StatefulSet", "name": "x", "uid": "x", "controller": True}
        theirs = given(claim(4, spec=SPEC | {"size": 4}, ownerReferences=[owner]), "1Gi")
        assert stored(claim(1), theirs).capacity(3) == 10 * GI

    def test_that_the_spec_may_not_fall_below_is_that_of_servers_that_stay(self) -> None:
        tiny = given(claim(4, spec=SPEC | {"size": 4}), "1Gi")
        assert stored(claim(1), tiny).smallest(3) == 10 * GI

    def test_is_what_was_asked_for_until_there_is_a_volume(self) -> None:
        assert stored(given(claim(1), None)).capacity(3) == 10 * GI

    def test_is_no_more_than_was_asked_for(self) -> None:
        """Storage that rounds up restarts no server."""
        assert stored(given(claim(1), "12Gi")).capacity(3) == 10 * GI

    def test_is_not_known_of_what_nobody_can_read(self) -> None:
        odd = msgspec.structs.replace(given(claim(1), "x"), spec=type(claim(1).spec)())
        assert stored(odd).capacity(3) == 0
        assert stored().capacity(3) == 0

    def test_limits_the_store_whatever_the_spec_asks_for(self) -> None:
        found = stored(*all_claims())
        desired = desired_of(
            cluster(spec_of("20Gi")),
            understood(spec_of("20Gi"), found),
            (),
            References(),
            Images(),
            stored=found,
        )
        assert desired is not None
        assert jetstream_block(desired.target)["max_file_store"] == 7 * GI


class TestWhatIsNotKnown:
    def test_keeps_the_configuration_as_it_is(self) -> None:
        """Its limit rests on the size of the volumes."""
        unknown = Stored(known=False)
        assert stored_of(cluster(SPEC), None) == unknown
        parsed = understood(SPEC, unknown)
        for spec, expected in ((SPEC, (VOLUMES_NOT_READ,)), ({"size": 3}, ())):
            parsed = understood(spec, unknown)
            desired = desired_of(cluster(spec), parsed, (), References(), Images(), stored=unknown)
            assert desired is not None
            assert desired.waiting == expected


def test_it_is_compared_as_a_whole() -> None:
    """What is rendered once counts until any of it changes."""
    assert stored(claim(1)) == stored(claim(1))
    assert stored(claim(1)) != attrs.evolve(stored(claim(1)), known=False)
