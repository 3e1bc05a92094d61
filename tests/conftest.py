"""What all tests rely on."""

from __future__ import annotations

import signal

import pytest

from tests import parts


def pytest_configure() -> None:
    """Tests interrupt processes: these must not ignore that, as `make test &` would have them."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With NATSCTL_PART only the modules of that part run here."""
    parts.deal(config, items)
