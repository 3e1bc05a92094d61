"""The threads of the process, by purpose: nothing waits for what another purpose fills."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import attrs

from natsctl.controllers.runtime.computing import AT_ONCE
from natsctl.nats.gate import READERS

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES: Final = 2
"""Pages of lists that are cut at the same time."""
SERIES: Final = 1
"""Answers to /metrics that are made at the same time."""


@attrs.frozen
class Threads:
    """`pages` are of lists of the API server, `series` of /metrics: these are of the process.

    What specs and servers of namespaces make work for has others, in turns that namespaces share:
    `clusters` compute, `answers` read. None of these is ever waited for by who has a turn.
    """

    pages: Executor
    series: Executor
    clusters: Executor
    answers: Executor


@contextmanager
def threads() -> Iterator[Threads]:
    """They start when they are first needed; at the end, each is waited for."""
    with (
        ThreadPoolExecutor(PAGES, "pages") as pages,
        ThreadPoolExecutor(SERIES, "series") as series,
        ThreadPoolExecutor(AT_ONCE, "clusters") as clusters,
        ThreadPoolExecutor(READERS, "answers") as answers,
    ):
        yield Threads(pages, series, clusters, answers)
