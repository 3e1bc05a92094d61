"""The chart's alerts, by the real promtool."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed import prometheus
from tests.unit.test_alerts import FILE, TESTS, alerts

pytestmark = pytest.mark.server


def test_the_rules_are_valid() -> None:
    assert f"{len(alerts())} rules found" in prometheus.promtool("check", "rules", FILE)


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_they_fire_when_they_should(file: Path) -> None:
    prometheus.promtool("test", "rules", file)
