"""What fails for long is told, once and in whose words; what passes is not: in virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

from natsctl.controllers.runtime.patience import reason_of
from natsctl.kube.errors import ApiError, Conflict, Stale, Terminal, Transient, error_of
from natsctl.kube.resources import CLUSTERS, PODS, SECRETS, SERVICES, Resource
from tests.unit.controllers.virtual import Flight, World, flight, now

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]

WEBHOOK = 'failed calling webhook "pods.example.test": failed to call webhook: '
ERRORS: dict[str, Callable[[], ApiError]] = {
    "a webhook that fails": lambda: Transient(500, "InternalError", WEBHOOK + "refused"),
    "a webhook that answers too late": lambda: Transient(504, "Timeout", WEBHOOK + "deadline"),
    "a webhook that denies": lambda: Terminal(400, "no reason at all!", 'webhook "x" denied it'),
    "a queue that is full": lambda: error_of(
        429, b"Too many requests, please try again later.", "1"
    ),
    "a quota": lambda: Terminal(403, "Forbidden", "exceeded quota: pods=3"),
    "nobody answers": lambda: Transient(0, "ConnectionLost", "TimeoutError"),
    "others are always faster": lambda: Conflict(409, "Conflict", "the object was modified"),
    "what it rests on is always old": lambda: Stale("the answers are old"),
}
KINDS = [PODS, SERVICES, SECRETS]


def degraded(found: Flight) -> dict[str, str]:
    return found.condition("c", "Degraded")


async def told(found: Flight, seconds: float = 300.0) -> float:
    return await found.until(lambda: degraded(found).get("status") == "True", seconds)


def writing(resource: Resource, make: Callable[[], ApiError], until: float = 1e9) -> World:
    """Creating objects of this kind fails like this, up to a moment."""

    def fault(method: str, path: str) -> ApiError | None:
        hit = method == "POST" and path == resource.path("ns")
        return make() if hit and now() < until else None

    return World(fault=fault)


@pytest.mark.parametrize("resource", KINDS, ids=lambda r: r.plural)
@pytest.mark.parametrize("cause", ERRORS)
async def test_whatever_fails_for_long_is_told_and_forgotten_once_it_works(
    cause: str, resource: Resource
) -> None:
    error = ERRORS[cause]()
    async with flight(writing(resource, ERRORS[cause], until=400)) as found:
        await found.create("c")
        seconds = await told(found)
        assert isinstance(error, Terminal) or seconds > 25
        name = {"pods": "pod c-1", "services": "Service c", "secrets": "Secret c"}[resource.plural]
        message = degraded(found)["message"]
        assert name in message
        assert error.status == 0 or str(error).replace('"', "'") in message.replace('"', "'")
        assert found.status("c")["phase"] == "Degraded"
        await found.until(lambda: degraded(found)["status"] == "False", 600)
        await found.until(lambda: found.condition("c", "Ready").get("status") == "True")


async def test_it_is_told_once_however_often_it_is_tried() -> None:
    """Ports and times in somebody's words change with each attempt."""
    numbers = itertools.count(40000)

    def changing() -> ApiError:
        text = f"{WEBHOOK}read tcp 10.0.0.1:{next(numbers)}: connection reset by peer"
        return Transient(500, "InternalError", text)

    async with flight(writing(PODS, changing)) as found:
        await found.create("c")
        await told(found)
        await found.until(lambda: warnings(found) == 1)  # it follows the status
        written = statuses(found)
        await asyncio.sleep(900)
        assert statuses(found) - written <= 2  # after ten minutes the words may be others
        assert warnings(found) == 1


async def test_what_answers_now_this_now_that_is_told_once() -> None:
    causes = itertools.cycle([ERRORS["a webhook that fails"], ERRORS["nobody answers"]])
    async with flight(writing(PODS, lambda: next(causes)())) as found:
        await found.create("c", size=1)
        await told(found)
        written = statuses(found)
        await asyncio.sleep(500)
        assert statuses(found) == written


def statuses(found: Flight) -> int:
    path = CLUSTERS.path("ns", "c", "status")
    return sum(p == path for _, _, p in found.world.requests)


def warnings(found: Flight) -> int:
    return sum(event["type"] == "Warning" for event in found.world.of_kind("Event"))


@pytest.mark.parametrize(
    "cause", ["a webhook that fails", "nobody answers", "a queue that is full"]
)
async def test_what_passes_by_itself_is_never_told(cause: str) -> None:
    """The API server is restarted, for example: everything fails, for less than the lease lasts."""

    def fault(method: str, path: str) -> ApiError | None:
        return ERRORS[cause]() if 5 < now() - began < 20 else None

    async with flight(World(fault=fault)) as found:
        began = now()
        await found.create("c")
        for size in range(2, 30):
            await found.change("c", size=size)
            await asyncio.sleep(1)
            assert degraded(found).get("status") != "True"


async def test_what_failed_long_ago_and_again_now_does_not_last() -> None:
    def fault(method: str, path: str) -> ApiError | None:
        hit = method == "POST" and path == PODS.path("ns") and now() % 60 < 14
        return ERRORS["a webhook that fails"]() if hit else None

    async with flight(World(fault=fault)) as found:
        await found.create("c", size=1)
        for size in range(2, 12):
            await asyncio.sleep(30)
            await found.change("c", size=size)
            assert degraded(found).get("status") != "True"


async def test_servers_come_although_a_service_is_refused_for_long() -> None:
    async with flight(writing(SERVICES, ERRORS["a webhook that fails"])) as found:
        await found.create("c")
        await told(found)
        await found.runs("c")
        assert "Service c" in degraded(found)["message"]


async def test_a_stage_of_many_gives_up_early() -> None:
    """Each of 300 would be tried for twelve seconds."""
    async with flight(writing(PODS, ERRORS["a webhook that fails"])) as found:
        await found.create("c", size=300)
        assert await told(found) < 90
        assert "pod c-1: " in degraded(found)["message"]


@pytest.mark.parametrize(
    ("cause", "words"),
    [("a quota", "Forbidden"), ("a webhook that fails", "InternalError")],
)
async def test_reads_that_fail_for_long_are_told(cause: str, words: str) -> None:
    """Also of a cluster about which nothing else can be said yet."""

    def fault(method: str, path: str) -> ApiError | None:
        hit = method == "GET" and path == SECRETS.path("ns", "users") and now() < 300
        return ERRORS[cause]() if hit else None

    async with flight(World(fault=fault)) as found:
        await found.create("c", auth={"clientsAuthSecret": "users"})
        await told(found)
        assert degraded(found)["reason"] == words
        await found.until(lambda: degraded(found)["status"] == "False", 600)
        assert found.condition("c", "ConfigAccepted")["reason"] == "Waiting"


async def test_passes_that_never_end_are_told() -> None:
    def fault(method: str, path: str) -> float | None:
        return 3600.0 if path == PODS.path("ns") else None

    async with flight(World(fault=fault)) as found:
        await found.create("c")
        assert 200 < await told(found, 600) < 300
        assert degraded(found)["reason"] == "TimedOut"


async def test_a_bug_is_told() -> None:
    def fault(method: str, path: str) -> None:
        if path == PODS.path("ns") and now() < 300:
            raise ZeroDivisionError

    async with flight(World(fault=fault)) as found:
        await found.create("c")
        await told(found)
        assert degraded(found)["reason"] == "Bug"
        assert "ZeroDivisionError" in degraded(found)["message"]
        await found.until(lambda: degraded(found)["status"] == "False", 600)


@pytest.mark.parametrize("cause", ["a webhook that fails", "a webhook that denies"])
async def test_a_status_that_cannot_be_written_is_told_by_an_event(cause: str) -> None:
    def fault(method: str, path: str) -> ApiError | None:
        return ERRORS[cause]() if path.endswith("/status") and now() < 400 else None

    def events() -> list[str]:
        mine = found.world.of_kind("Event")
        return [event["message"] for event in mine if event["reason"] == "StatusNotWritten"]

    async with flight(World(fault=fault)) as found:
        await found.create("c")
        await found.until(events, 120)
        await found.until(lambda: found.condition("c", "Ready").get("status") == "True", 900)
        (message,) = events()
        assert "webhook" in message


@pytest.mark.parametrize(
    ("status", "reason", "shown"),
    [
        (403, "Forbidden", "Forbidden"),
        (400, "no word", "Refused"),
        (400, "", "Refused"),
        (500, "x\n" * 500, "InternalError"),
        (429, "", "TooManyRequests"),
        (503, "", "ServiceUnavailable"),
        (504, "", "Timeout"),
        (400, "A" * 101, "Refused"),
    ],
)
def test_a_reason_is_one_that_a_condition_may_have(status: int, reason: str, shown: str) -> None:
    """A webhook chooses the reason of its denial."""
    assert reason_of(ApiError(status, reason, "no")) == shown


async def test_a_new_cluster_is_written_as_often_as_before() -> None:
    """Six objects and a few statuses: what was made with the Secret needs no note of its own."""
    async with flight() as found:
        await found.create("c")
        await found.until(lambda: found.condition("c", "Ready").get("status") == "True")
        await asyncio.sleep(60)
        written = [(m, p) for _, m, p in found.world.requests if m != "GET"]
        assert [w for w in written if "secrets" in w[1]] == [("POST", SECRETS.path("ns"))]
