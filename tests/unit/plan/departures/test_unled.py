"""What real servers say while their meta group has no leader."""

from __future__ import annotations

import pytest

from natsctl.plan.departures.unled import nobody_leads, sizes
from natsctl.plan.gates.case import Case, case
from natsctl.plan.gates.look import Look
from tests.unit.plan.gates.recorded import situation

WITHOUT = ("2.9.25", "2.10.29", "2.14.10", "2.15.3")


def looked(name: str, version: str) -> Case:
    found = situation(name, version)
    return case("", found.expected, (Look(0, found.reports()), Look(2, found.reports())))


@pytest.mark.parametrize("version", WITHOUT)
def test_servers_know_no_leader_and_how_many_they_are(version: str) -> None:
    """Two of three were stopped."""
    it = looked("no-quorum", version)
    assert nobody_leads(it)
    assert set(sizes(it)) == {3}


@pytest.mark.parametrize("version", ["2.11.17", "2.12.15"])
def test_a_leader_that_has_not_noticed_yet_is_still_one(version: str) -> None:
    """It lists the members, so nobody has to count them."""
    assert not nobody_leads(looked("no-quorum", version))


@pytest.mark.parametrize("version", WITHOUT)
@pytest.mark.parametrize("name", ["healthy", "one-down"])
def test_others_have_a_leader(name: str, version: str) -> None:
    assert not nobody_leads(looked(name, version))
