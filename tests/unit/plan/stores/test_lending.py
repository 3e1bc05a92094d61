"""When the limit of a full store is raised for the time being, and when that is taken back."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from natsctl.model.jetstream import JetStreamReport, Usage, Volume
from natsctl.plan.claims.stored import Stored
from natsctl.plan.stores.limits import Amount, Level, Levels
from natsctl.plan.stores.strain import AT_LIMIT, GROWS, NEAR, SPARE, Loan, Strain, strain_of
from natsctl.render.revision.revision import FILE_LIMIT
from tests.unit.plan.stored.test_limits import GI, MI, limits, spec_of, stored, wanted

NORMAL, LEAST, LENT = 7 * GI, 7270 * MI, 7987 * MI
FULL = Strain(AT_LIMIT, 8 * GI)


def _report(disk: int, counted: int) -> JetStreamReport:
    """A server that needs as much of its disk as it counts."""
    used = Usage(counted, NORMAL)
    return JetStreamReport("c", file=used, volume=Volume(counted, disk - counted))


def strained(
    strain: Strain = FULL, used: int = NORMAL, limit: int = NORMAL, **changes: Any
) -> Stored:
    """Servers with volumes of 10 GiB; the fullest store has so much."""
    found = stored(used, limit)
    return attrs.evolve(found, levels=attrs.evolve(found.levels, strain=strain, **changes))


def lent(used: int = NORMAL, *, rested: bool = False, known: bool = True) -> Stored:
    """The same after the limit was raised; `known`: the status says so."""
    loan = Loan(LENT, rested) if known else Loan()
    return strained(Strain(), used, LENT, loan=loan)


def limit(found: Stored, max_size: str | None = None, version: str = "2.14.10") -> int:
    count: int = limits(spec_of(max_size, version=version), found)[0]
    return count


class TestLending:
    def test_a_store_at_its_limit_gets_a_higher_one(self) -> None:
        assert limit(strained()) == LENT
        made = wanted(spec_of(), strained())
        assert made.revision[FILE_LIMIT] != wanted(spec_of(), stored()).revision[FILE_LIMIT]
        assert made.target.inputs.lent_file == LENT
        assert made.advice == ""

    def test_not_before(self) -> None:
        assert limit(strained(Strain(NEAR, 9 * GI))) == NORMAL
        assert limit(strained(Strain(0, 9 * GI))) == NORMAL

    @pytest.mark.parametrize("version", ["2.10.29", "2.11.17"])
    def test_before_2_12_while_groups_have_leaders_for_the_restarts_that_it_takes(
        self, version: str
    ) -> None:
        assert limit(strained(Strain(NEAR, 9 * GI)), version=version) == LENT

    def test_never_with_2_9_of_which_nobody_knows_what_is_on_the_disk(self) -> None:
        found = strained(used=GI, limit=15 * GI // 10)
        assert limit(found, version="2.9.25") == 15 * GI // 10

    @pytest.mark.parametrize("ceiling", [0, NORMAL, LEAST - 1])
    def test_not_if_a_disk_has_no_room_or_nobody_knows(self, ceiling: int) -> None:
        assert limit(strained(Strain(AT_LIMIT, ceiling))) == NORMAL

    @pytest.mark.parametrize(
        ("ceiling", "given"),
        [(LEAST, LEAST), (NORMAL + 250 * MI, 7372 * MI), (LENT - 1, 7884 * MI), (LENT, LENT)],
    )
    def test_no_more_than_all_disks_have_room_for(self, ceiling: int, given: int) -> None:
        assert limit(strained(Strain(AT_LIMIT, ceiling))) == given

    @pytest.mark.parametrize("stored_elsewhere", [0, 5, 10, 17, 20, 70])
    @pytest.mark.parametrize("overhead", [0, 2])
    def test_also_while_another_server_stores_little(
        self, stored_elsewhere: int, overhead: int
    ) -> None:
        """Whatever that stores later: at 1.28 times what it counts, 5 % of its disk stay free."""
        disk = 10 * GI * (100 - overhead) // 100
        percents = (70, stored_elsewhere, stored_elsewhere)
        strain = strain_of([_report(disk, 10 * GI * it // 100) for it in percents], whole=True)
        given = limit(strained(strain))
        assert given >= 7372 * MI, "2 % of the volume"
        for percent in percents:
            counted = 10 * GI * percent // 100
            assert counted + (given - counted) * GROWS // 100 <= disk * (100 - SPARE) // 100

    def test_the_rest_once_there_is_room_for_it(self) -> None:
        """By a reload only: nobody restarts all servers for a little more."""
        part = Loan(7372 * MI)
        found = strained(Strain(AT_LIMIT, LENT), 7372 * MI, 7372 * MI, loan=part)
        assert limit(found) == LENT
        assert limit(found, version="2.11.17") == 7372 * MI
        near = strained(Strain(NEAR, LENT), 7200 * MI, 7372 * MI, loan=part)
        assert limit(near) == 7372 * MI
        less = strained(Strain(AT_LIMIT, LEAST), 7372 * MI, 7372 * MI, loan=part)
        assert limit(less) == 7372 * MI

    def test_also_above_what_the_spec_says(self) -> None:
        assert limit(strained(used=4 * GI, limit=4 * GI), "4Gi") == 4915 * MI
        most = 10 * GI * 75 // 100
        assert limit(strained(used=most, limit=most), "7680Mi") == LENT

    def test_once_only(self) -> None:
        again = attrs.evolve(lent(LENT).levels, strain=Strain(AT_LIMIT, 9 * GI))
        assert limit(attrs.evolve(lent(LENT), levels=again)) == LENT

    def test_not_where_servers_have_as_much_for_another_reason(self) -> None:
        assert limit(strained(used=8 * GI, limit=8 * GI)) == 8 * GI
        assert wanted(spec_of(), strained(used=8 * GI, limit=8 * GI)).target.inputs.lent_file == 0

    def test_not_before_volumes_are_known(self) -> None:
        assert limit(attrs.evolve(strained(), room={})) == NORMAL

    def test_not_without_streams_on_disk(self) -> None:
        memory = spec_of(memory="1Gi")
        del memory["jetstream"]["fileStore"]
        assert limits(memory, strained())[0] <= NORMAL
        level = Level(0, 0, Amount())
        none = attrs.evolve(strained(), levels=Levels(level, level, strain=FULL))
        assert limits(memory, none)[0] == 0

    def test_of_volumes_that_have_grown_by_themselves(self) -> None:
        spec = spec_of()
        spec["jetstream"]["fileStore"] = {"growth": {"maxSize": "100Gi"}}
        rooms = dict.fromkeys((1, 2, 3), 20 * GI)
        strain = Strain(AT_LIMIT, 16 * GI)
        found = attrs.evolve(strained(strain, 14 * GI, 14 * GI), room=rooms, asked=rooms)
        assert limits(spec, found)[0] == 20 * GI * 78 // 100 // MI * MI


class TestTakingBack:
    def test_not_while_a_store_needs_it(self) -> None:
        assert limit(lent()) == LENT
        assert limit(lent(rested=True)) == LENT

    def test_after_stores_have_been_below_for_a_while(self) -> None:
        assert limit(lent(used=5 * GI)) == LENT
        assert limit(lent(used=5 * GI, rested=True)) == NORMAL

    def test_not_while_a_server_does_not_say_what_it_stores(self) -> None:
        found = lent(used=5 * GI, rested=True)
        silent = attrs.evolve(found.levels, whole=False, silent=frozenset({3}))
        assert limit(attrs.evolve(found, levels=silent)) == LENT

    def test_a_larger_volume_ends_it(self) -> None:
        spec = spec_of()
        spec["jetstream"]["fileStore"] = {"pvc": {"size": "20Gi"}}
        rooms = dict.fromkeys((1, 2, 3), 20 * GI)
        found = attrs.evolve(lent(), room=rooms, asked=rooms)
        assert wanted(spec, found).target.inputs.lent_file == 0
        assert limits(spec, found)[0] == 14 * GI


class TestAfterACrash:
    """What servers start with is in the config Secret; all else may be lost."""

    def test_before_the_secret_was_written_it_is_decided_anew_by_the_same_look(self) -> None:
        assert limit(strained()) == limit(strained()) == LENT

    @pytest.mark.parametrize("given", [LEAST, LENT])
    def test_a_reserve_that_the_status_does_not_tell_is_known_by_its_limit(
        self, given: int
    ) -> None:
        found = strained(Strain(), NORMAL, given, loan=Loan())
        assert wanted(spec_of(), found).target.inputs.lent_file == given

    def test_one_that_nobody_needs_any_more_is_taken_back_like_any_higher_limit(self) -> None:
        assert limit(lent(used=5 * GI, known=False)) == NORMAL

    def test_a_lower_limit_that_was_written_stays_while_servers_restart(self) -> None:
        level = Level(NORMAL, LENT, Amount("c-2", 5 * GI))
        found = attrs.evolve(lent(), levels=Levels(level, Level(), whole=False))
        assert limit(found) == NORMAL
        refilled = attrs.evolve(level, fullest=Amount("c-2", NORMAL))
        assert limit(attrs.evolve(found, levels=Levels(refilled, Level()))) == LENT
