"""What the client sends, how often, and when it gives up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from natsctl.kube.client import Client
from natsctl.kube.errors import (
    AlreadyExists,
    Conflict,
    Fenced,
    NotFound,
    Stale,
    Terminal,
    Transient,
)
from natsctl.kube.fence import Permit
from natsctl.kube.resources import SECRETS
from natsctl.kube.transport import Transport, connect
from natsctl.kube.turns import Turns
from tests.unit.kube.faulty import Answer, Faulty, drops, hangs, says, secret, serving

GOOD = says(200, secret("s", 5))
BUSY = says(429, b"Too many requests", Retry_After="0")
WRITES = ("create", "apply", "status", "patch", "delete")
MANIFEST = {"kind": "Secret", "metadata": {"name": "s", "namespace": "ns"}}


async def call(client: Client, verb: str) -> Any:
    """One call of each kind that is tried again."""
    match verb:
        case "get":
            return await client.get(SECRETS, "ns", "s")
        case "raw":
            return await client.raw(SECRETS, "ns", "s")
        case "create":
            return await client.create(SECRETS, MANIFEST)
        case "apply":
            return await client.apply(SECRETS, MANIFEST)
        case "status":
            return await client.patch_status(SECRETS, "ns", "s", {})
        case "patch":
            return await client.patch(SECRETS, "ns", "s", {})
        case _:
            return await client.delete(SECRETS, "ns", "s", "uid")


async def test_requests_carry_who_asks_and_for_what(transport: Transport, api: Faulty) -> None:
    api.script = [GOOD]
    client = Client(transport)
    for verb in ("get", "create", "apply", "status", "patch", "delete"):
        await call(client, verb)
    await client.create(SECRETS, MANIFEST, dry_run=True)
    path = "/api/v1/namespaces/ns/secrets"
    assert api.lines == [
        f"GET {path}/s",
        f"POST {path}",
        f"PATCH {path}/s",
        f"PATCH {path}/s/status",
        f"PATCH {path}/s",
        f"DELETE {path}/s",
        f"POST {path}",
    ]
    own = {"fieldManager": "natsctl"}
    assert api.asked == [{}, own, own | {"force": "true"}, own, own, {}, own | {"dryRun": "All"}]


async def test_a_delete_names_the_uid_and_says_what_is_left(
    transport: Transport, api: Faulty
) -> None:
    ending = secret("s", 5)
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    gone = {"kind": "Status", "status": "Success", "metadata": {}}
    api.script = [says(200, gone), GOOD, says(202, ending)]
    client = Client(transport)
    assert await client.delete(SECRETS, "ns", "s", "u") is None
    assert await client.delete(SECRETS, "ns", "s", "u", grace=0) is None
    left = await client.delete(SECRETS, "ns", "s", "u", grace=30)
    assert left is not None
    assert left.metadata.deletion_timestamp
    assert [msgspec.json.decode(b) for b in api.bodies] == [
        {"preconditions": {"uid": "u"}},
        {"preconditions": {"uid": "u"}, "gracePeriodSeconds": 0},
        {"preconditions": {"uid": "u"}, "gracePeriodSeconds": 30},
    ]


@pytest.mark.parametrize("verb", ["get", "raw", "create", "apply", "status"])
@pytest.mark.parametrize(
    "fault", [BUSY, drops, says(500, {"message": "etcd"})], ids=["busy", "lost", "500"]
)
async def test_what_may_work_next_time_is_tried_again(
    transport: Transport, api: Faulty, verb: str, fault: Answer
) -> None:
    api.script = [fault, fault, GOOD]
    await call(Client(transport), verb)
    assert len(api.lines) == 3


@pytest.mark.parametrize("verb", ["patch", "delete"])
async def test_what_is_not_the_same_the_second_time_is_not(
    transport: Transport, api: Faulty, verb: str
) -> None:
    api.script = [BUSY, GOOD]
    with pytest.raises(Transient):
        await call(Client(transport), verb)
    assert len(api.lines) == 1


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (409, "Conflict", Conflict),
        (409, "AlreadyExists", AlreadyExists),
        (404, "NotFound", NotFound),
        (422, "Invalid", Terminal),
    ],
)
async def test_what_will_not_work_is_not_tried_again(
    transport: Transport, api: Faulty, status: int, reason: str, kind: type[Exception]
) -> None:
    api.script = [says(status, {"reason": reason, "message": "no"})]
    with pytest.raises(kind, match="no"):
        await call(Client(transport), "create")
    assert len(api.lines) == 1


async def test_the_api_server_says_when(transport: Transport, api: Faulty) -> None:
    api.script = [says(429, b"", Retry_After="1"), GOOD]
    await call(Client(transport), "get")
    assert api.times[1] - api.times[0] >= 1


async def test_a_pause_that_outlasts_the_budget_is_the_callers(
    transport: Transport, api: Faulty
) -> None:
    """He may have better things to do than to hold a place for a minute."""
    api.script = [says(429, b"", Retry_After="60")]
    async with asyncio.timeout(2):
        with pytest.raises(Transient) as found:
            await call(Client(transport), "get")
    assert found.value.retry_after == 60


async def test_retries_end_with_the_budget(
    transport: Transport, api: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("natsctl.kube.client.BUDGET", 0.5)
    api.script = [says(503, b"")]
    started = asyncio.get_running_loop().time()
    with pytest.raises(Transient, match="HTTP 503"):
        await call(Client(transport), "get")
    assert asyncio.get_running_loop().time() - started < 1


async def test_an_answer_that_never_comes(
    transport: Transport, api: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("natsctl.kube.client.READ_TIMEOUT", 0.1)
    api.script = [hangs, GOOD]
    await call(Client(transport), "get")
    assert len(api.lines) == 2


@contextmanager
def closed() -> Iterator[None]:
    raise Fenced
    yield


@pytest.mark.parametrize("verb", WRITES)
async def test_a_write_ends_with_its_permit_here_and_over_there(
    transport: Transport, api: Faulty, verb: str
) -> None:
    """The API server is told how long it has, and lets this side have its words in time."""

    api.script = [hangs, GOOD]
    ended = []

    @contextmanager
    def fence() -> Iterator[Permit]:
        try:
            yield Permit(0.2, lambda: 0.2)
        finally:
            ended.append(asyncio.get_running_loop().time())

    started = asyncio.get_running_loop().time()
    with suppress(Transient):  # some are tried again
        await call(Client(transport, fence), verb)
    assert 0.15 < ended[0] - started < 2
    assert api.asked[0]["timeout"] == "0.180s"


async def test_reads_have_a_time_of_their_own(transport: Transport, api: Faulty) -> None:
    api.script = [GOOD]
    await call(Client(transport, closed), "get")
    assert api.asked == [{}]


@pytest.mark.parametrize("verb", WRITES)
async def test_a_closed_fence_lets_no_write_out(
    transport: Transport, api: Faulty, verb: str
) -> None:
    api.script = [GOOD]
    with pytest.raises(Fenced):
        await call(Client(transport, closed), verb)
    assert api.lines == []
    await call(Client(transport, closed), "get")


async def test_the_fence_is_asked_before_every_try(transport: Transport, api: Faulty) -> None:
    """A retry, too, may come after the lease has passed on."""

    @contextmanager
    def fence() -> Iterator[None]:
        if api.lines:
            raise Fenced
        yield

    api.script = [BUSY, GOOD]
    with pytest.raises(Fenced):
        await call(Client(transport, fence), "create")
    assert len(api.lines) == 1


async def test_the_fence_is_asked_after_the_wait_for_the_gate(
    transport: Transport, api: Faulty
) -> None:
    closed = False

    @contextmanager
    def fence() -> Iterator[None]:
        if closed:
            raise Fenced
        yield

    gate = Turns(1)
    client = Client(transport, fence, gate)
    api.script = [GOOD]
    async with gate.turn("others"):
        waiting = asyncio.create_task(call(client, "create"))
        await asyncio.sleep(0.05)
        closed = True
    with pytest.raises(Fenced):
        await waiting
    assert api.lines == []


@pytest.mark.parametrize("verb", WRITES)
async def test_what_a_write_rests_on_is_looked_at_right_before_every_try(
    transport: Transport, api: Faulty, verb: str
) -> None:
    def check() -> None:
        if api.lines:
            raise Stale("it is no longer so")

    client = Client(transport).checked(check)
    api.script = [BUSY, GOOD]
    with pytest.raises((Stale, Transient)):  # some are not tried again
        await call(client, verb)
    with pytest.raises(Stale, match="no longer"):
        await call(client, verb)
    assert len(api.lines) == 1
    await call(client, "get")


async def test_a_client_that_looks_at_that_asks_its_fence_all_the_same(
    transport: Transport, api: Faulty
) -> None:
    with pytest.raises(Fenced):
        await call(Client(transport, closed).checked(lambda: None), "create")
    assert api.lines == []


async def test_no_more_calls_are_in_flight_than_the_gate_lets_through(
    transport: Transport, api: Faulty
) -> None:
    flying, most = 0, 0

    async def slow(request: Any) -> Any:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.02)
        flying -= 1
        return await GOOD(request)

    api.script = [slow]
    client = Client(transport, gate=Turns(6))  # half of them for one namespace
    await asyncio.gather(*(call(client, "get") for _ in range(12)))
    assert most == 3


async def test_the_token_is_sent_without_the_line_end_of_its_file(tmp_path: Path) -> None:
    seen: list[str] = []

    async def look(request: Any) -> Any:
        seen.append(request.headers["Authorization"])
        return await GOOD(request)

    async with serving(tmp_path) as api, connect(str(api.kubeconfig)) as transport:
        api.script = [look]
        await call(Client(transport), "get")
        assert transport.host.startswith("127.0.0.1:")
    assert seen == ["Bearer secret"]


async def test_fields_that_the_api_server_does_not_know_are_heard_of(
    transport: Transport, api: Faulty
) -> None:
    """It drops them and makes the rest: to be strict would keep from healing."""
    api.script = [says(201, secret("s", 5), Warning='299 - "unknown field \\"spec.x\\""')]
    made, warnings = await Client(transport).create_checked(SECRETS, MANIFEST)
    assert made.metadata.name == "s"
    assert warnings == ('unknown field "spec.x"',)
    assert api.asked == [{"fieldManager": "natsctl", "fieldValidation": "Warn"}]
