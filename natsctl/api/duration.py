"""Durations as Go programs write them."""

import re
from typing import Final

from natsctl.api.problems import shown

_UNIT_NS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_MAX_NS: Final = 2**63 - 1
_LONGEST: Final = 64


def parse_duration(text: str) -> int:
    """Nanoseconds of a duration such as "1m30s"; ValueError if it is none, or negative."""
    if text == "0":
        return 0
    parts = _PART.findall(text) if len(text) <= _LONGEST else []
    total = sum(int(float(number) * _UNIT_NS[unit]) for number, unit in parts)
    if not parts or "".join(number + unit for number, unit in parts) != text or total > _MAX_NS:
        raise ValueError(
            f'{shown(text)} is not a valid duration; use a number and a unit, such as "10s"'
        )
    return total
