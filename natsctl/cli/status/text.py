"""Views as text for people; pure."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from natsctl.model.foreign import ANSWER, plain, printable
from natsctl.model.times import moment
from natsctl.model.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from natsctl.api.types.status import (
        BlockedStatus,
        GroupsStatus,
        JetStreamStatus,
        VolumeStatus,
    )
    from natsctl.cli.status.view import (
        CertificateView,
        ClusterView,
        Difference,
        EventView,
        ServerView,
    )

TAKEN_OVER = "created by the Go operator"
NARROWEST = 60
GAP = "  "
SHOWN_NAMES = 3
CELL = 253
"""Characters of one cell of a table: as many as a name may have."""


def overview(views: Sequence[ClusterView], now: datetime, namespaces: bool) -> str:
    """A line for each cluster, and below it what keeps it from being ready."""
    head = ["NAME", "PHASE", "SIZE", "READY", "VERSION", "OPERATOR", "AGE"]
    rows = [_summary(view, now) for view in views]
    if namespaces:
        head = ["NAMESPACE", *head]
        rows = [[v.namespace, *row] for v, row in zip(views, rows, strict=True)]
    lines = _table(head, rows)
    blockers = [(v, _blocker(v)) for v in views]
    place = "{0.namespace}/{0.name}: {1}" if namespaces else "{0.name}: {1}"
    blocked = [plain(place.format(v, text)) for v, text in blockers if text]
    return _text([*lines, *([""] if blocked else []), *blocked])


def _summary(view: ClusterView, now: datetime) -> list[str]:
    return [
        view.name,
        view.phase or "-",
        str(view.wanted_size),
        str(view.ready_replicas),
        view.current_version or "-",
        view.operator or "-",
        age(view.created, now),
    ]


def page(view: ClusterView, now: datetime, width: int = 100) -> str:
    """Everything of one cluster, no line wider than `width` but for tables."""
    width = max(width, NARROWEST)
    parts = [
        list(_head(view, now, width)),
        _section("Conditions", _conditions(view, now, width)),
        _section("Servers", _servers(view.servers, now, width)),
        _section("From the Go operator", _differences(view.differences, width)),
        _section("Certificates", _certificates(view.certificates, now, width)),
        _section("Last events", _events(view.events, now, width)),
        _section("Not read", (line for n in view.notes for line in _wrapped("- ", n, width))),
    ]
    return _text([line for part in parts if part for line in (*part, "")][:-1])


def age(since: str, now: datetime) -> str:
    """As kubectl shows it: `45s`, `12m`, `3h`, `5d`."""
    began = moment(since)
    if began is None:
        return "-"
    seconds = max(int((now - began).total_seconds()), 0)
    for unit, length, least in (("d", 86400, 2), ("h", 3600, 2), ("m", 60, 2)):
        if seconds >= length * least:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _blocker(view: ClusterView) -> str:
    """The first that explains why a cluster is not ready."""
    if view.ready:
        return ""
    by_type = {c.type: c for c in view.conditions}
    wrong = (("SpecAccepted", "False"), ("ConfigAccepted", "False"), ("Degraded", "True"))
    for type_, status in (*wrong, ("Progressing", "True"), ("Ready", "False")):
        condition = by_type.get(type_)
        if condition is not None and condition.status == status and condition.message:
            return view.operator_problem or condition.message
    return view.operator_problem


def _head(view: ClusterView, now: datetime, width: int) -> Iterator[str]:
    state = "ready" if view.ready else "not ready"
    running = view.size - view.wanted_size
    excess = f", {running} more to remove" if running > 0 else ""
    wanted = view.wanted_version or "not set"
    version = view.current_version or "-"
    facts = {
        "Cluster": f"{view.namespace}/{view.name}",
        "State": f"{view.phase or 'unknown'}, {state}" + (", paused" if view.paused else ""),
        "Servers": f"{view.ready_replicas} of {view.wanted_size} ready{excess}",
        "Version": version if version == wanted else f"{version} (desired: {wanted})",
        **(_jetstream(view.jetstream, now) if view.jetstream is not None else {}),
        **_volumes(view.servers),
        "Operator": ": ".join(filter(None, (view.operator, view.operator_problem))),
        "Age": age(view.created, now),
    }
    for name, text in facts.items():
        yield from _wrapped(f"{name + ':':<11}", text, width)


def _jetstream(told: JetStreamStatus, now: datetime) -> dict[str, str]:
    """What of it has to be known; the condition says the rest."""
    groups = told.groups
    must_stay = f" ({', '.join(told.must_stay)} must not stop)" if told.must_stay else ""
    leader = f"meta leader {told.meta_leader}, " if told.meta_leader else ""
    well = f"{groups.healthy} of {groups.total} streams and consumers are healthy{_ill(groups)}"
    used = [f"{it.server} {it.used_percent} % of {it.limit}" for it in told.storage]
    facts = {
        "JetStream": f"quorum {told.quorum}{must_stay}, {leader}{well}",
        "Blocked": _blocking(told.blocked, now),
        "Storage": listed(used).replace(";", ","),
    }
    return {name: text for name, text in facts.items() if text}


def _blocking(blocked: Sequence[BlockedStatus], now: datetime) -> str:
    """What a restart would wait for, and for how long it has been so."""
    some = [
        f"{it.message or it.why}{f' for {age(it.since, now)}' if moment(it.since) else ''}"
        for it in blocked[:SHOWN_NAMES]
    ]
    more = f", and {len(blocked) - SHOWN_NAMES} more" if len(blocked) > SHOWN_NAMES else ""
    return ", ".join(some) + more


def _ill(groups: GroupsStatus) -> str:
    said = ((groups.leaderless, "without a leader"), (groups.short, "with too few replicas"))
    some = ", ".join(f"{count} {how}" for count, how in said if count)
    return f" ({some})" if some else ""


def _volumes(servers: Sequence[ServerView]) -> dict[str, str]:
    told = [f"{it.name} {_size(it.volume)}" for it in servers if it.volume is not None]
    return {"Volumes": listed(told).replace(";", ",")} if told else {}


def _size(volume: VolumeStatus) -> str:
    """What is there, what was asked for if that is something else, and how full it is."""
    there = volume.capacity or "0"
    size = there if volume.size == volume.capacity else f"{there} of {volume.size}"
    return f"{size} ({volume.used_percent} % used)" if volume.used else size


def _conditions(view: ClusterView, now: datetime, width: int) -> Iterator[str]:
    columns = [
        [c.type, c.status, age(c.last_transition_time, now), c.reason] for c in view.conditions
    ]
    for line, condition in zip(_table([], columns), view.conditions, strict=True):
        yield from _with_message(line, condition.message, width)


def _servers(servers: Sequence[ServerView], now: datetime, width: int) -> Iterator[str]:
    head = ["NAME", "VERSION", "READY", "STATE", "ROUTES", "CLIENTS", "RESTARTS", "AGE"]
    rows = [[*_server(s, len(servers), now), s.address or "-", s.node or "-"] for s in servers]
    first, *lines = _table([*head, "ADDRESS", "NODE"], rows)
    yield from [first] if servers else []
    for line, server in zip(lines, servers, strict=True):
        yield line
        if not server.message.startswith(TAKEN_OVER):
            yield from _wrapped("    ", server.message, width)


def _server(server: ServerView, count: int, now: datetime) -> list[str]:
    routes = "-" if server.routes is None else f"{server.routes}/{count - 1}"
    foreign = f"+{server.foreign_routes}" if server.foreign_routes else ""
    return [
        server.name,
        server.version or "-",
        "yes" if server.ready else "no",
        server.state or "-",
        routes + foreign,
        _number(server.connections),
        _number(server.restarts),
        age(server.created, now),
    ]


def _differences(differences: Sequence[Difference], width: int) -> Iterator[str]:
    for difference in differences:
        yield from _wrapped("", f"{', '.join(difference.subjects)}:", width)
        yield from _wrapped("    ", difference.message, width)


def _certificates(
    certificates: Sequence[CertificateView], now: datetime, width: int
) -> Iterator[str]:
    rows = [[c.listener, c.secret, _end(c.not_after, now), _valid_for(c)] for c in certificates]
    first, *lines = _table(["LISTENER", "SECRET", "EXPIRES", "FOR"], rows)
    yield from [first] if certificates else []
    for line, certificate in zip(lines, certificates, strict=True):
        yield line
        yield from _wrapped("    ", certificate.problem, width)


def _end(not_after: str, now: datetime) -> str:
    end = moment(not_after)
    if end is None:
        return not_after or "-"
    left = end - now
    if left.total_seconds() < 0:
        return f"{not_after} (expired)"
    days = left.days
    return f"{not_after} (in {days} day{'' if days == 1 else 's'})"


def _valid_for(certificate: CertificateView) -> str:
    rest = len(certificate.names) - SHOWN_NAMES
    shown = ", ".join(certificate.names[:SHOWN_NAMES]) or "-"
    return f"{shown} and {rest} more" if rest > 0 else shown


def _events(events: Sequence[EventView], now: datetime, width: int) -> Iterator[str]:
    rows = [[age(e.time, now), e.type, e.reason, f"{e.subject}{_times(e.count)}"] for e in events]
    for line, event in zip(_table([], rows), events, strict=True):
        yield from _with_message(line, printable(event.message, ANSWER), width)


def _with_message(line: str, message: str, width: int) -> list[str]:
    """A line with its message: behind it if that fits."""
    whole = f"{line}{GAP}{plain(message)}"
    if len(GAP) + len(whole) <= width:
        return [whole.rstrip()]
    return [line.rstrip(), *_wrapped("    ", message, width)]


def _times(count: int) -> str:
    return f" ({count} times)" if count > 1 else ""


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _section(title: str, lines: Iterator[str]) -> list[str]:
    content = list(lines)
    return [title.upper(), *(f"{GAP}{line}" for line in content)] if content else []


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned columns; the head is left out if it is empty."""
    lines = [[printable(cell, CELL) for cell in row] for row in ([head, *rows] if head else rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]


def _wrapped(prefix: str, text: str, width: int) -> list[str]:
    room = width - len(GAP)
    return textwrap.wrap(
        plain(text),
        room,
        initial_indent=prefix,
        subsequent_indent=" " * len(prefix),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _text(lines: Sequence[str]) -> str:
    return "\n".join(line.rstrip() for line in lines) + "\n"
