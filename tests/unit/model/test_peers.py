"""Ids of members, as servers make them of names."""

from __future__ import annotations

import pytest

from natsctl.model.peers import id_of_unnamed, peer_id, unnamed


@pytest.mark.parametrize(
    ("name", "told"), [("nats-1", "yrzKKRBu"), ("nats-2", "cnrtt3eg"), ("nats-3", "bkCGheKT")]
)
def test_the_id_is_the_one_that_servers_told(name: str, told: str) -> None:
    """Recorded from 2.9.25 to 2.15.3."""
    assert peer_id(name) == told


def test_a_member_without_a_name_is_known_by_its_id() -> None:
    told = "Server name unknown at this time (peerID: bkCGheKT)"
    assert unnamed("bkCGheKT") == told
    assert id_of_unnamed(told) == "bkCGheKT"


@pytest.mark.parametrize("told", ["", "nats-1", "bkCGheKT", unnamed("short"), unnamed("bkCGheK\n")])
def test_anything_else_is_a_name(told: str) -> None:
    assert id_of_unnamed(told) is None
