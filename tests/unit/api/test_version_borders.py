import pytest

from natsctl.api.version import Number, number_of
from natsctl.api.version_borders import LAST_OF_LINES, MARGIN, Border, border, in_between, meet


def between(running: str, wanted: str, *, stores: bool = False) -> Border | None:
    return border(number_of(running), number_of(wanted), stores=stores)


@pytest.mark.parametrize(
    ("running", "wanted"),
    [
        ("1.3.0", "1.4.1"),
        ("2.0.0", "2.14.10"),
        ("2.1.9", "2.2.6"),
        ("2.15.3", "2.15.3"),
        ("2.12.15", "2.14.0"),
        ("2.14.0", "2.15.3"),
        ("2.15.3", "2.14.0"),
        ("2.14.10", "2.0.0"),
    ],
)
def test_most_releases_lead_to_each_other(running: str, wanted: str) -> None:
    assert between(running, wanted) is None


@pytest.mark.parametrize("wanted", ["2.0.0", "2.1.9", "2.2.0", "2.10.29", "2.15.3"])
def test_nothing_lies_between_1_x_and_2_x(wanted: str) -> None:
    for found in (between("1.4.1", wanted), between(wanted, "1.4.1")):
        assert found is not None
        assert (found.apart, found.first) == (True, "")


@pytest.mark.parametrize("running", ["2.0.0", "2.9.25", "2.12.15"])
def test_a_margin_lies_between_2_12_and_2_15(running: str) -> None:
    for found in (between(running, "2.15.0"), between("2.15.3", running)):
        assert found is not None
        assert (found.apart, found.first) == (False, MARGIN)
    assert between(running, MARGIN) is None
    assert between(MARGIN, "2.15.3", stores=True) is None


@pytest.mark.parametrize(
    ("running", "wanted", "first"),
    [
        ("2.14.5", "2.15.3", "2.14.10"),
        ("2.10.29", "2.9.10", "2.9.25"),
        ("2.12.15", "2.10.29", "2.11.17"),
    ],
)
def test_stores_make_more_of_them(running: str, wanted: str, first: str) -> None:
    assert between(running, wanted) is None
    found = between(running, wanted, stores=True)
    assert found is not None
    assert found.first == first


def test_the_way_up_has_none_of_those_of_the_way_down() -> None:
    assert between("2.9.10", "2.10.29", stores=True) is None
    assert between("2.11.0", "2.12.15", stores=True) is None


def test_what_nobody_knows_is_the_newest() -> None:
    assert border((2, 12, 15), None) == between("2.12.15", "2.15.3")
    assert border(None, None) is None
    assert border((2, 15, 3), None) is None


@pytest.mark.parametrize(
    ("one", "other", "do"),
    [
        ((1, 4, 1), (2, 0, 0), False),
        ((2, 10, 29), (1, 4, 1), False),
        ((1, 4, 1), (1, 3, 0), True),
        ((2, 12, 15), (2, 15, 3), True),
        (None, (1, 4, 1), True),
        ((2, 0, 0), None, True),
    ],
)
def test_only_1_x_and_2_x_have_no_routes_to_each_other(
    one: Number | None, other: Number | None, do: bool
) -> None:
    assert meet(one, other) is do


@pytest.mark.parametrize(
    ("running", "wanted", "steps"),
    [
        ("2.9.25", "2.10.29", ()),
        ("2.9.1", "2.12.0", LAST_OF_LINES[1:3]),
        ("2.12.15", "2.14.10", ()),
        ("2.15.3", "2.11.17", ("2.14.10", "2.12.15")),
        ("2.14.10", "2.14.1", ()),
        ("2.2.6", "2.9.25", ()),
        ("2.2.6", "2.10.29", ("2.9.25",)),
        ("2.15.3", "2.16.0", ()),
        ("2.14.10", "2.16.0", ("2.15.3",)),
        ("2.16.0", "2.12.15", ("2.15.3", "2.14.10")),
    ],
)
def test_minor_versions_lie_in_between(running: str, wanted: str, steps: tuple[str, ...]) -> None:
    assert in_between(number_of(running), number_of(wanted)) == steps


def test_what_nobody_knows_lies_behind_all_of_them() -> None:
    assert in_between((2, 12, 15), None) == ("2.14.10", "2.15.3")
    assert in_between(None, (2, 15, 3)) == ()
