"""What all tests rely on."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator

import hypothesis  # early: its plugin would import it where CPython 3.11 may fail to parse it
import pytest

from testbed.progress import NO_BUILDS
from tests import parts

NO_SKIPS = "NATSCTL_NO_SKIPS"
"""Set where nothing may be missing: by `make test` on a testbed."""

hypothesis.settings.register_profile("search", derandomize=False)
hypothesis.settings.register_profile("same", derandomize=True)
hypothesis.settings.load_profile("same")
"""Two runs of one commit try the same examples; `make fuzz` searches for others."""


def pytest_configure() -> None:
    """Nothing is built while tests run: a test's time limit is for the test.

    Tests interrupt processes: these must not ignore that, as `make test &` would have them.
    """
    os.environ.setdefault(NO_BUILDS, "1")
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With NATSCTL_PART only the modules of that part run here."""
    parts.deal(config, items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A whole run that left something out did not pass."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get(NO_SKIPS):
        report.outcome = "failed"
        report.longrepr = f"{NO_SKIPS} is set, and this was skipped: {report.longrepr}"
    return report
