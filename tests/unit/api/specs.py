"""Complaints of specs of three servers, as texts."""

from typing import Any

from natsctl.api.checks.validate import validate
from natsctl.api.parse import parse_spec
from natsctl.api.problems import InvalidSpec


def complaints(**fields: Any) -> list[str]:
    """Every complaint, with its place."""
    try:
        return [str(each) for each in validate("c", parse_spec({"size": 3, **fields}))]
    except InvalidSpec as invalid:
        return [str(each) for each in invalid.problems]


def complaint(**fields: Any) -> str:
    """The only one."""
    (only,) = complaints(**fields)
    return only
