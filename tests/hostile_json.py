"""What tests put where others write: values that parsers, limits and readers trip over."""

from __future__ import annotations

import base64
import json
import os
from typing import Any, Final

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES: Final = int(os.environ.get("NATSCTL_FUZZ_EXAMPLES", "0"))
"""How many `make fuzz` asks for; 0: each test's own number, the same ones each time."""


def fuzzed(examples: int, share: int = 1) -> settings:
    """So many examples; of a longer fuzz, one part in `share`."""
    return settings(
        max_examples=EXAMPLES // share or examples,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def raw(text: str | bytes) -> msgspec.Raw:
    """JSON as it stands."""
    return msgspec.Raw(text.encode() if isinstance(text, str) else text)


def nested(levels: int, inner: str = "1") -> msgspec.Raw:
    """An object in a list in an object, and so on."""
    return raw('{"a":[' * levels + inner + "]}" * levels)


def coded(text: str) -> str:
    """As the data of a Secret."""
    return base64.b64encode(text.encode()).decode()


_USERS: Final = '{"users":[{"username":"%s","password":"p"}]}'
_MANY_USERS: Final = [{"username": str(i), "password": "p"} for i in range(6000)]

SCALARS: Final[list[Any]] = [
    *(None, True, False, 0, -1, 1.5, 2**31, 2**63 - 1),
    *([], {}, [None], {"": None}, [[]]),
]
NUMBERS: Final = [
    raw(text) for text in ("9" * 30, "9" * 5000, "1e400", "-1e400", "1e-400", "NaN", "-0.0")
]
TEXTS: Final = [
    *("", " ", "x" * 300, "x" * 100_000, "\n", "a\u0000b", "\u0663", "\u00b2", "\u202e", "\ufeff"),
    *("9" * 5000, "../../x/secrets/y", "x?watch=true", "a/b/c", "%2e", "Infinity", "-1", "0x10"),
    *("1e9", "2020-13-45", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2020-01-01"),
    *("2020-01-01T00:00:00", "2020-01-01T00:00:00Z 2020-01-01T00:00:00Z", "noon"),
    *("[" * 5000, '{"a":' * 5000, '{"version": [[]], "cluster.joined": {}}', "[]", "null", "{}"),
    *("!!!", "AAA", coded("[" * 5000), coded(_USERS % "\\ud800"), coded(_USERS % "a\\u0000")),
    *(coded(_USERS % ("x" * 50_000)), coded("NaN"), coded('{"timeout": 1e400}')),
    *(coded("9" * 5000), coded(json.dumps({"users": _MANY_USERS}))),
    coded("-----BEGIN CERTIFICATE-----" * 2000),
    coded("-----BEGIN PRIVATE KEY-----\n" * 2000),
]
BROKEN: Final = [raw('"\\ud800"'), raw(b'"\xff"'), raw('{"a":1,"a":[2]}'), raw('"\\u0000"')]
DEEP: Final = [nested(levels) for levels in (20, 40, 400, 1000, 4500)]
MANY: Final[list[Any]] = [
    list(range(30_000)),
    [{}] * 3000,
    [{"name": "nats"}] * 2000,
    [{"kind": "NatsCluster", "name": "c", "uid": "x", "controller": True}] * 2000,
    {str(i): "x" for i in range(5000)},
    {"x" * 300 + str(i): "y" * 300 for i in range(1000)},
    [{"name": "h", "url": f"nats://h{i}:1"} for i in range(300)],
    [{"cluster": f"c{i}"} for i in range(300)],
]
SMALL: Final = st.one_of(*map(st.sampled_from, (SCALARS, NUMBERS, TEXTS, BROKEN, DEEP)))
HOSTILE: Final = st.one_of(*map(st.sampled_from, (SCALARS, NUMBERS, TEXTS, BROKEN, DEEP, MANY)))
"""Anything, in the place of any value."""
