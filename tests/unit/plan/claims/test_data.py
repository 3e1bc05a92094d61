"""What the data on a volume depends on is noted on its claim, where anybody may have edited it."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.api.types.status import ClusterStatus, Condition
from natsctl.api.version import ServerVersion
from natsctl.model import names
from natsctl.model.objects import PersistentVolumeClaim, Pod
from natsctl.plan.actions import CreateServer, Ensure, NoteClaims
from natsctl.plan.claims.data import Data, data_text, parse_data, unfit
from natsctl.plan.claims.remedies import volume_troubles
from natsctl.plan.rules.claims import ensure_claims, note_claims
from natsctl.plan.rules.scale_up import scale_up
from natsctl.plan.state import ClusterState
from natsctl.render.revision.data import DATA_FIELDS
from tests.unit.plan.claims.volumes import (
    EARLIER,
    SPEC,
    after,
    all_claims,
    annotated_claim,
    claim,
    noted,
    servers,
    volumes,
    with_copy,
    with_data,
)
from tests.unit.plan.world import changed, context, decided, pod, target

LIMIT = 7 * 2**30
"""70 % of 10Gi."""
DATA = Data({"jetstream": "together", "jetstream.domain": "hub"}, 3, "2.12.15", LIMIT)
TEXT = (
    '{"fields":{"jetstream":"together","jetstream.domain":"hub"},"limit":7516192768,"size":3,'
    '"version":"2.12.15"}'
)
ALL = noted(1, 2, 3)
HUB = SPEC | {"version": "2.12.15", "jetstream": {"domain": "hub"}}


def edited(**changes: Any) -> str:
    return json.dumps({**json.loads(TEXT), **changes})


def kept(state: ClusterState) -> dict[str, Data]:
    """What is noted of data, by the name of the claim."""
    noted = decided(note_claims, state, NoteClaims)
    written = {note.name: parse_data(note.data) for note in noted if note.data}
    return {name: data for name, data in written.items() if data is not None}


class TestTheNote:
    def test_tells_fields_size_and_version(self) -> None:
        assert data_text(DATA) == TEXT
        assert parse_data(TEXT) == DATA
        assert parse_data(edited(version="")) == attrs.evolve(DATA, version="")
        assert parse_data(edited(version="2.14")) == attrs.evolve(DATA, version="2.14")

    def test_of_an_earlier_natsctl_tells_no_limit(self) -> None:
        earlier = attrs.evolve(DATA, limit=0)
        assert "limit" not in data_text(earlier)
        assert parse_data(data_text(earlier)) == earlier

    def test_keeps_what_a_newer_natsctl_adds(self) -> None:
        newer = parse_data(edited(lease="7e57", rank=2))
        assert newer is not None
        assert newer == attrs.evolve(DATA, more={"lease": "7e57", "rank": 2})
        assert parse_data(data_text(newer)) == newer

    @given(
        st.dictionaries(st.sampled_from(DATA_FIELDS), st.text(min_size=1, max_size=100)),
        st.integers(1, 999),
    )
    def test_is_read_as_it_was_written(self, fields: dict[str, str], size: int) -> None:
        data = Data({"jetstream": "alone", **fields}, size)
        assert parse_data(data_text(data)) == data

    @pytest.mark.parametrize(
        "text",
        [
            *("", "x", "null", "[]", "{}", "[" * 5000, "sha256:" + "a" * 64),
            *(edited(size=size) for size in (0, 1000, "3", None, -1, True, 1.5)),
            *(edited(version=version) for version in (None, 2, "new", "2", "2.12.x")),
            *(edited(limit=limit) for limit in (-1, "7Gi", True, None, 1.5)),
            edited(more="x" * 300),
            *(
                edited(fields={"jetstream": "together", **more})
                for more in ({"other": "x"}, {"clusterName": ""}, {"clusterName": "x" * 300})
            ),
            edited(fields={"jetstream": 7}),
            edited(fields={}),
            edited(fields={"jetstream": "together", "clusterName": "x" * 5000}),
        ],
    )
    def test_that_somebody_edited_tells_nothing(self, text: str) -> None:
        assert parse_data(text) is None


def told(data: Data, version: str = "2.12.15", **spec: Any) -> list[str]:
    wanted = target(HUB | {"version": version} | spec)
    return [str(problem) for problem in unfit("js-c-1", data, wanted.spec, wanted.version)]


class TestWhatDoesNotFit:
    def test_is_nothing_if_all_is_the_same(self) -> None:
        assert told(DATA) == []

    def test_is_a_field_with_another_value(self) -> None:
        assert told(DATA, jetstream={"domain": "leaf"}) == [
            "spec.jetstream.domain: is 'leaf', but what is on js-c-1 was stored with 'hub'; set it "
            "to that, or create another NatsCluster"
        ]
        assert told(DATA, jetstream={}) == [
            "spec.jetstream.domain: is not set, but what is on js-c-1 was stored with 'hub'; set "
            "it to that, or create another NatsCluster"
        ]
        assert told(DATA, clusterName="b") == [
            "spec.clusterName: is 'b', but what is on js-c-1 was stored without it; remove it, or "
            "create another NatsCluster"
        ]

    def test_is_a_server_alone_and_a_cluster(self) -> None:
        assert told(DATA, size=1) == [
            "spec.size: is 1, but what is on js-c-1 was stored by a cluster, and these do not see "
            "each other's streams; set it to 2 or more, or, if you do not need the data, delete "
            "its claim"
        ]
        (alone,) = told(attrs.evolve(DATA, fields={**DATA.fields, "jetstream": "alone"}))
        assert alone.endswith(
            "by a single server, and these do not see each other's streams; set it to 1, or, if "
            "you do not need the data, delete its claim"
        )

    @pytest.mark.parametrize(
        ("stored", "version", "first"),
        [
            ("2.12.15", "2.11.5", "2.11.17"),
            ("2.10.29", "2.9.15", "2.9.25"),
            ("2.12.15", "2.15.3", "2.14.10"),
            ("2.15.3", "2.12.15", "2.14.10"),
            ("2.12", "2.11.5", "2.11.17"),
        ],
    )
    def test_is_a_release_that_cannot_read_it(self, stored: str, version: str, first: str) -> None:
        (text,) = told(attrs.evolve(DATA, version=stored), version)
        assert text.startswith(
            f"spec.version: is {version}, but servers of {stored} may have stored what is on js-c-1"
        )
        assert text.endswith(f"; set it to {first} first")

    @pytest.mark.parametrize(("stored", "version"), [("2.12.15", "2.11.17"), ("", "2.9.15")])
    def test_is_no_release_that_can(self, stored: str, version: str) -> None:
        assert told(attrs.evolve(DATA, version=stored), version) == []


class TestAServerWithoutAPod:
    def test_starts_once_its_claim_says_what_its_data_will_depend_on(self) -> None:
        state = volumes(*all_claims(), note=ALL, spec=HUB)
        assert len(decided(scale_up, state)) == 3
        older = [with_data(each, HUB, version="2.11.17") for each in all_claims(spec=HUB)]
        state = volumes(*older, note=ALL, spec=HUB)
        assert decided(scale_up, state) == ()
        assert kept(state)["js-c-1"] == DATA

    def test_starts_a_release_that_can_read_newer_data_which_stays_newer_until_it_runs(
        self,
    ) -> None:
        older = HUB | {"version": "2.11.17"}
        newer = [with_data(each, HUB) for each in all_claims(spec=older)]
        state = volumes(*newer, note=ALL, spec=older)
        assert len(decided(scale_up, state)) == 3
        assert kept(state) == {}
        starting = volumes(*newer, note=ALL, spec=older, pods=(pod(1, older, ready=False),))
        assert kept(starting) == {}
        runs = volumes(*newer, note=ALL, spec=older, pods=(pod(1, older),))
        assert kept(runs) == {"js-c-1": attrs.evolve(DATA, version="2.11.17")}

    def test_does_not_start_with_data_that_does_not_fit(self) -> None:
        odd = with_data(claim(2), HUB, fields={"jetstream": "together", "jetstream.domain": "x"})
        state = volumes(claim(1), odd, claim(3), note=ALL, spec=HUB)
        assert [a.name for a in decided(scale_up, state, CreateServer)] == ["c-1", "c-3"]
        assert "js-c-2 was stored with 'x'" in scale_up(context(state)).waiting[0]
        assert "js-c-2" not in kept(state), "it stays as it is"

    def test_does_not_start_with_data_of_which_nobody_knows(self) -> None:
        odd = annotated_claim(claim(2), **{"nats.io/data": "x"})
        state = volumes(claim(1), odd, claim(3), note=ALL)
        assert [a.name for a in decided(scale_up, state, CreateServer)] == ["c-1", "c-3"]
        assert "cannot be read: restore it, or remove it if" in scale_up(context(state)).waiting[0]

    def test_may_have_stored_as_much_as_any_earlier_limit_allowed(self) -> None:
        full = [with_data(each, HUB, limit=2 * LIMIT) for each in all_claims(spec=HUB)]
        assert kept(volumes(*full, note=ALL, spec=HUB)) == {}
        starting = volumes(*full, note=ALL, spec=HUB, pods=(pod(1, HUB, ready=False),))
        assert kept(starting) == {}
        runs = volumes(*full, note=ALL, spec=HUB, pods=(pod(1, HUB),))
        assert kept(runs) == {"js-c-1": DATA}

    def test_has_a_new_claim_that_says_so_from_the_start(self) -> None:
        made = decided(ensure_claims, volumes(spec=HUB), Ensure)[0].wanted
        assert made.manifest["metadata"]["annotations"]["nats.io/data"] == TEXT


def left(*told: int, note: str = "unknown") -> list[PersistentVolumeClaim]:
    """Claims of an earlier NatsCluster, of which some tell something."""
    claims = (claim(index, of=EARLIER) for index in (1, 2, 3))
    return [
        annotated_claim(each, **{"nats.io/data": note}) if index in told else each
        for index, each in enumerate(claims, 1)
    ]


def reasons(state: ClusterState) -> list[str]:
    return [trouble.reason for trouble in volume_troubles(context(state))]


class TestClaimsThatSayNothing:
    """An earlier natsctl used them, or somebody made them."""

    def test_are_taken_by_no_new_cluster_before_somebody_accepts_them(self) -> None:
        state = volumes(*left(), note=noted(1, 2, 3, origin="7e57ab1e"), copies=False)
        assert decided(scale_up, state) == ()
        assert reasons(state) == ["VolumeDataUnknown"] * 3
        assert volume_troubles(context(state))[0].message == (
            "PersistentVolumeClaim js-c-1 is not of this NatsCluster, and does not say what its "
            "data depends on: set size, version, clusterName, domain and system account to those "
            "of the servers that stored it, and then accept it as it is: kubectl annotate pvc "
            "js-c-1 --namespace ns nats.io/data=unknown"
        )

    def test_are_all_accepted_with_one(self) -> None:
        state = volumes(*left(2), note=noted(1, 2, 3, origin="7e57ab1e"), copies=False)
        assert reasons(state) == []
        assert {data.version for data in kept(state).values()} == {"2.14.10"}
        assert len(decided(scale_up, after(state))) == 3

    def test_are_taken_with_others_that_do(self) -> None:
        """The spec was compared with those."""
        note = data_text(Data({"jetstream": "together"}, 3, "2.14.10"))
        state = volumes(*left(3, note=note), note="none", copies=False)
        assert reasons(state) == []
        assert reasons(volumes(*left(3, note="x"), note="none", copies=False)) == [
            *("VolumeDataUnknown", "VolumeDataUnknown", "VolumeDataUnreadable"),
        ]

    def test_are_taken_by_a_cluster_whose_servers_tell(self) -> None:
        """As one that somebody restored."""
        origins = noted(1, 2, 3, origin="7e57ab1e")
        state = volumes(*left(), note=origins, copies=False, pods=servers(1))
        assert reasons(state) == []
        before = ClusterStatus(conditions=(Condition("VolumesReady", "True", ""),))
        state = volumes(*left(), note=origins, copies=False)
        assert reasons(attrs.evolve(state, status=before)) == []

    def test_are_the_clusters_own_if_it_made_them(self) -> None:
        """As one that an earlier natsctl made and did not start."""
        assert reasons(volumes(*all_claims(), note=ALL, copies=False)) == []


class TestAServerWithAPod:
    def test_tells_what_its_claim_repeats(self) -> None:
        odd = annotated_claim(claim(2), **{"nats.io/data": "x"})
        running = tuple(pod(index, HUB) for index in (1, 2, 3))
        state = volumes(claim(1), odd, claim(3), note=ALL, spec=HUB, pods=running)
        assert kept(state) == {"js-c-2": DATA}

    def test_leaves_what_a_newer_natsctl_added(self) -> None:
        found = [with_data(each, HUB, more={"lease": "7e57"}) for each in all_claims(spec=HUB)]
        state = volumes(*found, note=ALL, spec=HUB, pods=tuple(pod(i, HUB) for i in (1, 2, 3)))
        assert kept(state) == {}

    def test_has_the_version_that_it_runs(self) -> None:
        """It has not written anything as the other one yet."""
        old = tuple(pod(index, HUB | {"version": "2.11.17"}) for index in (1, 2, 3))
        found = [with_data(each, HUB) for each in all_claims()]
        state = volumes(*found, note=ALL, spec=HUB, pods=old)
        assert {data.version for data in kept(state).values()} == {"2.11.17"}

    @pytest.mark.parametrize("tag", ["latest", "2", ""])
    def test_of_which_nobody_knows_the_version_leaves_it(self, tag: str) -> None:
        notes = {**(pod(1, HUB).metadata.annotations or {}), names.ANNOTATION_VERSION: ""}
        odd: Pod = changed(pod(1, HUB), labels={"nats_version": tag}, annotations=notes)
        found = [with_data(each, HUB, version="2.10.29") for each in all_claims()]
        state = volumes(*found, note=ALL, spec=HUB, pods=(odd,))
        assert "js-c-1" not in kept(state)


FIVE = SPEC | {"size": 5}


def test_a_claim_of_a_server_that_left_empty_tells_how_many_are_left() -> None:
    others = (with_data(claim(4, spec=FIVE), FIVE), claim(5, spec=FIVE))
    left = (with_copy(each, noted(1, 2, 3)) for each in others)
    state = volumes(*all_claims(), *left, note=noted(1, 2, 3), spec=SPEC, copies=False)
    found = {a.name: a.data for a in decided(note_claims, state, NoteClaims)}
    last = parse_data(found["js-c-4"])
    assert last is not None
    assert last.size == 3
    assert "js-c-5" not in found, "what does not tell is left as it is"


@pytest.mark.parametrize("there", [(), (4, 5)], ids=["lost", "kept"])
def test_servers_that_are_gone_but_not_proven_to_be_empty_count(there: tuple[int, ...]) -> None:
    """A cluster that takes the volumes back has to have them all."""
    claims = [claim(index, spec=FIVE) for index in (1, 2, 3, *there)]
    told = [with_data(each, FIVE) for each in claims]
    state = volumes(*told, note=noted(1, 2, 3, 4, 5), pods=servers(1, 2, 3))
    assert decided(note_claims, state) == ()


def test_a_release_is_noted_as_far_as_its_tag_tells() -> None:
    line = SPEC | {"version": "2.14"}
    made = decided(ensure_claims, volumes(spec=line), Ensure)[0].wanted
    data = parse_data(made.manifest["metadata"]["annotations"]["nats.io/data"])
    assert data is not None
    assert data.version == "2.14"
    assert ServerVersion.parse("2.14").number == (2, 14, 10**9)
