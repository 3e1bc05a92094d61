"""Who manages a cluster: the one its status names, unless the user chose another."""

import pytest

from natsctl.api.status import ClusterStatus
from natsctl.plan.claim import Claim, claim, in_the_way
from natsctl.plan.objects import Cluster, Meta

US, THEM = "a/nats-operator", "b/nats-operator"


@pytest.mark.parametrize(
    ("holder", "chosen", "expected"),
    [
        ("", "", Claim.FREE),
        (US, "", Claim.OURS),
        (THEM, "", Claim.OTHERS),
        ("", US, Claim.FREE),
        (US, US, Claim.OURS),
        (THEM, US, Claim.AWAITED),
        ("", THEM, Claim.OTHERS),
        (US, THEM, Claim.GIVEN_UP),
        (THEM, THEM, Claim.OTHERS),
    ],
)
def test_what_a_cluster_is_to_us(holder: str, chosen: str, expected: Claim) -> None:
    meta = Meta(name="x", annotations={"nats.io/operator": chosen} if chosen else None)
    assert claim(Cluster(meta), ClusterStatus(operator=holder), US) is expected


def test_the_second_says_which_one_is_in_its_way_and_the_way_out() -> None:
    assert in_the_way(ClusterStatus(operator=THEM), US) == (
        "the natsctl of b/nats-operator manages this cluster, that of a/nats-operator leaves it "
        "alone; uninstall one of both, or choose with the annotation nats.io/operator"
    )
