"""Who manages a cluster: the one its status names, unless the user chose another."""

import pytest

from natsctl.api.types.status import ClusterStatus
from natsctl.model.objects import Cluster, Meta
from natsctl.plan.adoption.ownership import Ownership, claim, in_the_way

US, THEM = "a/nats-operator", "b/nats-operator"


@pytest.mark.parametrize(
    ("holder", "chosen", "expected"),
    [
        ("", "", Ownership.FREE),
        (US, "", Ownership.OURS),
        (THEM, "", Ownership.OTHERS),
        ("", US, Ownership.FREE),
        (US, US, Ownership.OURS),
        (THEM, US, Ownership.AWAITED),
        ("", THEM, Ownership.OTHERS),
        (US, THEM, Ownership.GIVEN_UP),
        (THEM, THEM, Ownership.OTHERS),
    ],
)
def test_what_a_cluster_is_to_us(holder: str, chosen: str, expected: Ownership) -> None:
    meta = Meta(name="x", annotations={"nats.io/operator": chosen} if chosen else None)
    assert claim(Cluster(meta), ClusterStatus(operator=holder), US) is expected


def test_the_second_says_which_one_is_in_its_way_and_the_way_out() -> None:
    assert in_the_way(ClusterStatus(operator=THEM), US) == (
        "installation b/nats-operator manages this cluster, and installation a/nats-operator "
        "leaves it alone; uninstall one of them, or choose one with the annotation nats.io/operator"
    )
