"""Every test that docs/conformance.md names is there."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(tests/\S+?\.py|test_\w+\.py)?(?:::(\w+))?`")


def named() -> Iterator[tuple[Path, str]]:
    """File and function (or nothing); `::name` is in the file named before it."""
    for line in (ROOT / "docs" / "conformance.md").read_text().splitlines():
        file = ""
        for found in NAMED.finditer(line):
            file = found[1] or file
            if file:
                yield ROOT / ("" if file.startswith("tests/") else "tests/e2e") / file, found[2]


def test_every_named_test_is_there() -> None:
    tests = list(named())
    assert len(tests) > 40
    missing = [
        (file.name, name)
        for file, name in tests
        if not file.exists() or (name and f"def {name}(" not in file.read_text())
    ]
    assert missing == []
