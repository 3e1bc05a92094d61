"""Private parts of libraries that tests look at, and no test but by these functions.

Read from aiohttp 3.14.5, prometheus_client 0.26.0 and the standard library of Python 3.11 to 3.13.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp


def modules_of(package: str) -> list[ModuleType]:
    """The modules of a package that are imported by now."""
    loaded = tuple(sys.modules.items())
    return [module for name, module in loaded if name.startswith(f"{package}.")]


def value_of(metric: Any) -> float:
    """What a counter or a gauge of prometheus_client shows now."""
    return float(metric._value.get())


def labels_of(metric: Any) -> tuple[str, ...]:
    """Names of labels, which the client shows only once there are series."""
    return tuple(getattr(metric, "_labelnames", ()))


def name_and_type(metric: Any) -> tuple[str, str]:
    """As a metric of prometheus_client was defined."""
    return metric._name, metric._type


def open_connections(session: aiohttp.ClientSession) -> list[Any]:
    """The sockets that a session keeps for later requests."""
    connector: Any = session.connector
    kept = (protocol for place in connector._conns.values() for protocol, _ in place)
    return [protocol.transport.get_extra_info("socket") for protocol in kept]


def options_of(parser: argparse.ArgumentParser) -> list[str]:
    """All spellings of all options."""
    return [option for action in parser._actions for option in action.option_strings]


def without_help(parser: argparse.ArgumentParser) -> list[str]:
    """The arguments that `--help` does not explain."""
    return [action.dest for action in parser._actions if not action.help]


def shown_certificate(file: Path) -> dict[str, Any]:
    """A certificate as SSLSocket.getpeercert shows it, without a connection."""
    decoded: dict[str, Any] = ssl._ssl._test_decode_cert(str(file))  # type: ignore[attr-defined] # private
    return decoded


@contextmanager
def longest_step() -> Iterator[Callable[[], float]]:
    """The most processor seconds that one step of the event loop took: nothing else ran then."""
    longest = 0.0
    run = asyncio.events.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        nonlocal longest
        started = time.thread_time()
        run(handle)
        longest = max(longest, time.thread_time() - started)

    asyncio.events.Handle._run = timed  # type: ignore[method-assign,assignment] # for a while
    try:
        yield lambda: longest
    finally:
        asyncio.events.Handle._run = run  # type: ignore[method-assign] # as it was
