"""Volumes grow by themselves up to a size that makes sense, in place, and with their limit."""

from __future__ import annotations

from typing import Any

import pytest

from natsctl.api.checks.jetstream_growth import growth_problems
from natsctl.api.checks.validate import validate
from natsctl.api.parse import parse_spec
from natsctl.api.problems import InvalidSpec
from natsctl.api.release import meant_version
from natsctl.api.types.jetstream import VolumeGrowth, volume_growth

PATH = "spec.jetstream.fileStore.growth"


def said(growth: Any, **store: Any) -> list[str]:
    spec = parse_spec({"size": 3, "jetstream": {"fileStore": {"growth": growth, **store}}})
    assert spec.jetstream is not None
    return [str(problem) for problem in growth_problems(spec.jetstream)]


def test_a_maximum_is_enough() -> None:
    spec = parse_spec({"size": 3, "jetstream": {"fileStore": {"growth": {"maxSize": "1Ti"}}}})
    assert spec.jetstream is not None
    assert volume_growth(spec.jetstream) == VolumeGrowth("1Ti", 75, 25)
    assert said({"maxSize": "1Ti"}) == []


def test_without_it_there_is_nothing_to_check() -> None:
    assert said(None) == []
    spec = parse_spec({"size": 3, "jetstream": {}})
    assert spec.jetstream is not None
    assert list(growth_problems(spec.jetstream)) == []


@pytest.mark.parametrize("size", ["10Gi", "10240Mi", "11G"])
def test_the_maximum_may_be_what_volumes_have(size: str) -> None:
    assert said({"maxSize": size}) == []


def test_but_not_less() -> None:
    assert said({"maxSize": "15Gi"}, pvc={"size": "20Gi"}) == [
        f"{PATH}.maxSize: is 15Gi, less than pvc.size (20Gi); use 20Gi or more"
    ]
    assert said({"maxSize": "9Gi"}) == [
        f"{PATH}.maxSize: is 9Gi, less than pvc.size (10Gi); use 10Gi or more"
    ]


@pytest.mark.parametrize("size", ["", "0"])
def test_the_maximum_has_to_be_a_size(size: str) -> None:
    (problem,) = said({"maxSize": size})
    assert problem.startswith(f"{PATH}.maxSize: ")


def test_of_two_sizes_that_are_none_each_is_told_where_it_is() -> None:
    (problem,) = said({"maxSize": "0"}, pvc={"size": "0"})
    assert problem.startswith(f"{PATH}.maxSize: ")
    assert said({"maxSize": "20Gi"}, pvc={"size": "0"}) == []


@pytest.mark.parametrize("policy", ["Replace", "Manual"])
def test_volumes_grow_by_themselves_only_in_place(policy: str) -> None:
    assert said({"maxSize": "20Gi"}, resizePolicy=policy) == [
        f"{PATH}: cannot be used together with resizePolicy: {policy}, because volumes grow by "
        "themselves only in place; use InPlace, or remove growth"
    ]


def test_a_fixed_limit_would_keep_stores_as_full_as_they_are() -> None:
    assert said({"maxSize": "20Gi"}, maxSize="7Gi") == [
        f"{PATH}: cannot be used together with fileStore.maxSize, with which streams could store "
        "no more on larger volumes; remove maxSize, or growth"
    ]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("thresholdPercent", 49, "is 49; use 50 or more"),
        ("thresholdPercent", 91, "is 91; use 90 or less"),
        ("stepPercent", 9, "is 9; use 10 or more"),
        ("stepPercent", 101, "is 101; use 100 or less"),
    ],
)
def test_percents_have_to_make_sense(field: str, value: int, words: str) -> None:
    growth = {"maxSize": "20Gi", field: value}
    spec = parse_spec({"size": 3, "jetstream": {"fileStore": {"growth": growth}}})
    problems = validate("c", spec, meant_version(spec))
    assert [str(problem) for problem in problems] == [f"{PATH}.{field}: {words}"]


def test_without_a_maximum_it_is_no_spec() -> None:
    with pytest.raises(InvalidSpec):
        said({})
