"""What a claim says of the size of its volume."""

from __future__ import annotations

import pytest

from natsctl.model.objects import PersistentVolumeClaim
from natsctl.plan.claims.found import has_room
from natsctl.plan.claims.live import LiveClaim
from tests.unit.plan.claims.growing import GI, sized
from tests.unit.plan.claims.volumes import noted, volumes
from tests.unit.plan.world import UID, context


@pytest.mark.parametrize(
    ("asked", "there", "room"),
    [
        ("10Gi", "10Gi", 10),
        ("20Gi", "10Gi", 10),
        ("10Gi", "30Gi", 10),
        ("10Gi", None, 10),
        ("10Gi", "lots", 10),
        ("lots", "lots", 0),
    ],
)
def test_the_smaller_of_request_and_capacity_counts(
    asked: str, there: str | None, room: int
) -> None:
    assert LiveClaim(sized(1, asked, there), UID).room == room * GI


class TestAServerHasRoom:
    @pytest.mark.parametrize(
        ("claim", "room"),
        [
            (sized(1), True),
            (sized(1, "10Gi", "30Gi"), True),
            (sized(1, "20Gi", "10Gi"), False),
            (sized(1, "20Gi", "10Gi", condition="FileSystemResizePending"), True),
            (sized(1, there=None), False),
            (sized(1, "lots", "lots"), False),
        ],
        ids=["all", "more", "less", "all once it starts", "no volume", "unknown"],
    )
    def test_once_there_is_what_its_claim_asks_for(
        self, claim: PersistentVolumeClaim, *, room: bool
    ) -> None:
        assert has_room(context(volumes(claim, note=noted(1))), 1) is room

    def test_never_without_a_claim(self) -> None:
        assert not has_room(context(volumes(note=noted(1))), 1)
