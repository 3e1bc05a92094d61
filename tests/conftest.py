"""What all tests rely on."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Tests interrupt processes: these must not ignore that, as `make test &` would have them."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
