"""Complaints of specs of three servers, as texts."""

from typing import Any

from natsctl.api.parse import parse_spec
from natsctl.api.validate import validate


def complaints(**fields: Any) -> list[str]:
    """Every complaint, with its place."""
    return [str(each) for each in validate("c", parse_spec({"size": 3, **fields}))]


def complaint(**fields: Any) -> str:
    """The only one."""
    (only,) = complaints(**fields)
    return only
