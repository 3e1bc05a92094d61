"""What /healthz says of failed writes, in the words of several releases."""

from __future__ import annotations

import pytest

from tests.unit.nats.jetstream_pages import healthy, read


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("JetStream stream 'APP > S' is not current: stream write error: no space", True),
        ("JetStream stream 'APP > S' is not current: node write error: no space", True),
        ("JetStream stream 'APP > S' write error: no space", True),
        ("JetStream consumer 'APP > S > c' is not current: consumer write error: no space", True),
        ("JetStream meta layer write error: no space", True),
        (f"JetStream stream '{'A' * 250} > S' is not current: stream write error: no space", True),
        ("JetStream stream 'write error > S' is not current: group node unhealthy", False),
    ],
)
def test_health_tells_of_a_failed_write(text: str, failed: bool) -> None:
    pages = healthy()
    pages["healthz"] = {"code": 503, "body": {"status": "unavailable", "error": text}}
    assert read(pages).health.write_failed == failed
    pages["healthz"]["code"] = 200
    assert not read(pages).health.write_failed
