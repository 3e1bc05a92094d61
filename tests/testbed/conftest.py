from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from testbed.layout import Testbed
from tests.testbed import machine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def fresh() -> Iterator[Testbed]:
    """The name of a testbed that does not run yet."""
    testbed = Testbed(f"test-{os.getpid()}")
    yield testbed
    machine.done("down", testbed)


@pytest.fixture(scope="session")
def two_nodes() -> Iterator[Testbed]:
    """A testbed of two nodes that all tests share."""
    testbed = Testbed(f"test-{os.getpid()}-two")
    machine.done("up", testbed, "--nodes", "2")
    yield testbed
    machine.done("down", testbed)
