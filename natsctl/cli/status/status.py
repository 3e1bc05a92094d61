"""`natsctl status`: how clusters are, and what they wait for."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

import attrs

from natsctl.cli import kubeconfig
from natsctl.cli.failures import Unreachable, Unusable
from natsctl.cli.status.describe import view
from natsctl.cli.status.display import Display
from natsctl.cli.status.models import Sight
from natsctl.cli.status.reader import Reader, selector_of
from natsctl.cli.status.text import overview, page
from natsctl.cli.status.view import to_json
from natsctl.cli.status.watching import wake_on_change
from natsctl.cli.written import json_text, yaml_text
from natsctl.kube.errors import NoName
from natsctl.kube.paths import EVERYTHING, about, by_name
from natsctl.kube.resources import CLUSTERS, EVENTS, PODS
from natsctl.model import names
from natsctl.model.foreign import plain
from natsctl.model.times import written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from natsctl.cli.kubeconfig import Place
    from natsctl.cli.status.view import ClusterView
    from natsctl.kube.paths import Selection
    from natsctl.kube.resources import Resource

DESCRIPTION = """\
Without CLUSTER, prints one line for each NatsCluster in the namespace. With CLUSTER, prints its
conditions, its servers with their routes and what each one waits for, certificates, and the last
events. The command uses your own rights, and lists at the end what you may not read.

Exit status: 0 ready (without CLUSTER: all of them), 1 not ready, 2 nothing could be read, 130
interrupted.
"""
INTERRUPTED, UNREAD = 130, 141
"""As shells have it: ended by SIGINT, by SIGPIPE."""
BURST = 0.25
"""Seconds to wait after a change for those that come with it."""
FRESH = 10.0
"""Seconds after which a terminal shows the same with new ages."""


@attrs.frozen
class Question:
    """What is asked for: one cluster, or all of a namespace (None: of all namespaces)."""

    namespace: str | None
    name: str | None
    output: str


def parser_of(prog: str) -> argparse.ArgumentParser:
    """The flags."""
    parser = argparse.ArgumentParser(
        prog=prog, description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kubeconfig.add_arguments(parser)
    parser.add_argument(
        "-o",
        "--output",
        choices=("text", "json", "yaml"),
        default="text",
        help="output format (default: %(default)s)",
    )
    parser.add_argument("-w", "--watch", action="store_true", help="show every change until Ctrl-C")
    return parser


def run(argv: Sequence[str], prog: str) -> int:
    """Ask once, or again at each change; the exit status."""
    arguments = kubeconfig.parsed(parser_of(prog), argv)
    try:
        place = kubeconfig.place_of(arguments, os.environ)
        question = Question(place.namespace, arguments.cluster, arguments.output)
        code = asyncio.run(_ask(place, question, arguments.watch))
        sys.stdout.flush()
        return code
    except (Unusable, ValueError) as error:
        print(f"error: {plain(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # what it is piped into has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD


async def _ask(place: Place, question: Question, watch: bool) -> int:
    async with place.connect() as transport:
        reader = Reader(transport)
        if watch:
            await _follow(reader, question)
        views = await _read(reader, question)
    if not views:
        where = f"namespace {question.namespace}" if question.namespace else "any namespace"
        print(f"there is no NatsCluster in {where}", file=sys.stderr)
    sys.stdout.write(_shown(question, views, indent=2) if views or _is_data(question) else "")
    return 0 if all(v.ready for v in views) else 1


async def _read(reader: Reader, question: Question) -> tuple[ClusterView, ...]:
    if question.name is None:
        clusters = await reader.clusters(question.namespace)
        return tuple(view(Sight(cluster), _now()) for cluster in clusters)
    assert question.namespace is not None
    cluster = await reader.cluster(question.namespace, question.name)
    return (view(await reader.sight(cluster), _now()),)


async def _follow(reader: Reader, question: Question) -> NoReturn:
    """Show every change, for ever; Unusable if that is not possible (any more)."""
    wake = asyncio.Event()
    try:
        watched = _watched(question)
    except NoName as error:
        raise Unusable(str(error)) from error
    try:
        async with asyncio.TaskGroup() as group:
            for resource, selection in watched:
                where = question.namespace
                watch = wake_on_change(reader.transport, resource, where, selection, wake)
                group.create_task(watch)
            await _show_changes(reader, question, wake)
    except BaseExceptionGroup as group:
        expected = group.subgroup((Unusable, BrokenPipeError))
        raise (expected.exceptions[0] if expected else group) from None
    raise AssertionError("it only ends by an exception")


def _watched(question: Question) -> tuple[tuple[Resource, Selection], ...]:
    """What the answer depends on, as far as it tells of changes."""
    if question.name is None:
        return ((CLUSTERS, EVERYTHING),)
    name = question.name
    about_it = about(names.KIND_CLUSTER, name)
    return (CLUSTERS, by_name(name)), (PODS, selector_of(name)), (EVENTS, about_it)


async def _show_changes(reader: Reader, question: Question, wake: asyncio.Event) -> None:
    display = Display(sys.stdout)
    known: tuple[ClusterView, ...] = ()
    problem = ""
    while True:
        try:
            known, problem = await _read(reader, question), ""
        except Unreachable as error:
            problem = str(error)
        _show(display, question, known, problem)
        while not await _woken(wake, FRESH if display.redraws else None):
            _show(display, question, known, problem)
        wake.clear()
        await asyncio.sleep(BURST)


def _show(
    display: Display, question: Question, known: tuple[ClusterView, ...], problem: str
) -> None:
    if display.redraws and not _is_data(question):
        error = f"\n{plain(problem)}\n" if problem else ""
        display.redraw(_shown(question, known) + error)
        return
    head = f"== {written(_now())}\n" if not _is_data(question) else ""
    display.append(head + _shown(question, known), str(to_json(known)))
    if problem:
        print(f"error: {plain(problem)}; trying again", file=sys.stderr)


async def _woken(wake: asyncio.Event, seconds: float | None) -> bool:
    try:
        await asyncio.wait_for(wake.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _is_data(question: Question) -> bool:
    return question.output != "text"


def _shown(question: Question, views: tuple[ClusterView, ...], indent: int | None = None) -> str:
    """The answer as text or data."""
    if not _is_data(question):
        return _as_text(question, views)
    items = [to_json(v) for v in views]
    data = {"items": items} if question.name is None else items[0]
    if question.output == "json":
        return json_text(data, indent)
    separator = "" if indent else "---\n"
    return separator + yaml_text(data)


def _as_text(question: Question, views: tuple[ClusterView, ...]) -> str:
    if question.name is None:
        return overview(views, _now(), question.namespace is None)
    width = shutil.get_terminal_size((100, 24)).columns
    return "".join(page(v, _now(), width) for v in views)


def _now() -> datetime:
    return datetime.now(UTC)
