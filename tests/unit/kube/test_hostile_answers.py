"""Whatever an API server, or what stands before it, answers: lists, watches, replies, errors.

It is read in bounded time and memory, what cannot be read is an error like others, and what is
known stays as it was until there is something better.
"""

from __future__ import annotations

import asyncio
import json
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.controllers.cluster.identity import Identity, load_identity
from natsctl.controllers.cluster.token_writer import answered
from natsctl.controllers.runtime.crd_revision import SchemaTooOld, check_schema
from natsctl.kube import metrics, pages
from natsctl.kube.client import Client, items_of
from natsctl.kube.decode import whole
from natsctl.kube.errors import ApiError, Terminal, Transient, error_of
from natsctl.kube.reflector import Reflector
from natsctl.kube.resources import CRDS, SECRETS
from natsctl.kube.store import Store
from natsctl.kube.transport import Response
from natsctl.model.objects import Secret
from tests.hostile_json import HOSTILE, fuzzed, nested, raw
from tests.unit.kube.faulty import bookmark, encoded, event, initial, secret
from tests.unit.kube.kinds import BY_KIND
from tests.unit.pace import allowed

Json = dict[str, Any]
ALL = 2.0
"""Seconds of the processor's for one answer and what comes of it."""
RETRIES = st.sampled_from([None, "", "5", "\u00b2", "\u0667", "9" * 5000, "1e400", "-1", "soon"])
ERRORS = st.sampled_from([400, 401, 403, 404, 408, 409, 410, 422, 429, 500, 503, 599])


class Api:
    """Answers lists one after the other, the last one for ever, and watches with lines."""

    host = "api"

    def __init__(self, *lists: Any, lines: tuple[Any, ...] = ()) -> None:
        self.lists, self.lines, self.asked = list(lists), lines, 0

    async def request(self, *_: Any, **__: Any) -> Response:
        self.asked += 1
        await asyncio.sleep(0)
        found = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        found = found(self.asked) if callable(found) else found
        return Response(200, found if isinstance(found, bytes) else msgspec.json.encode(found))

    @asynccontextmanager
    async def stream(self, *_: Any) -> AsyncIterator[AsyncIterator[bytes]]:
        yield self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        for line in self.lines:
            yield line if isinstance(line, bytes) else encoded(line)


def page(*items: Any, onward: Any = "", version: Any = "20") -> Json:
    return {"metadata": {"continue": onward, "resourceVersion": version}, "items": items}


def knowing(api: Api) -> Reflector[Secret]:
    """A reflector that lists, and knows one Secret already."""
    store: Store[Secret] = Store()
    transport: Any = api
    reflector = Reflector(transport, SECRETS, store)
    reflector._streaming_list = False
    store.replace([msgspec.convert(secret("known", 10), Secret)], 10)
    return reflector


def kept(reflector: Reflector[Secret]) -> Store[Secret]:
    """What it feeds."""
    assert isinstance(reflector.store, Store)
    return reflector.store


def names(reflector: Reflector[Secret]) -> set[str]:
    return {name for _, name in kept(reflector).keys()}  # noqa: SIM118 - a Store is no dict


async def read_once(api: Api) -> tuple[Reflector[Secret], str]:
    """One list and watch, in bounded time."""
    reflector = knowing(api)
    started = time.thread_time()
    reason = await reflector._once()
    assert time.thread_time() - started < allowed(ALL)
    return reflector, reason


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")


class TestLists:
    async def test_one_page_after_the_other(self) -> None:
        found, why = await read_once(Api(page(secret("a", 11), onward="x"), page(secret("b", 12))))
        assert (names(found), why) == ({"a", "b"}, "closed")

    @pytest.mark.parametrize("onward", ["x", "x" * 1_000_000, "\u202e", "../../pods?watch=true"])
    async def test_a_page_that_leads_to_itself(self, onward: str) -> None:
        api = Api(page(secret("a", 11), onward=onward))
        found, why = await read_once(api)
        assert (names(found), why, api.asked) == ({"known"}, "undecodable", 2)

    async def test_a_circle_of_pages(self) -> None:
        api = Api(lambda n: page(secret(f"s{n}", n), onward=f"p{n % 7}"))
        assert (await read_once(api))[1] == "undecodable"
        assert api.asked <= 9

    async def test_a_list_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pages, "MOST", 300)
        api = Api(lambda n: page(secret("same", n), onward=f"p{n}"))
        found, why = await read_once(api)
        assert (names(found), why, api.asked) == ({"known"}, "undecodable", 301)

    async def test_the_same_objects_on_every_page_are_kept_once(self) -> None:
        many = [secret(f"s{i}", i + 1, key="x" * 1000) for i in range(100)]
        last, more = page(*many), [page(*many, onward=f"p{n}") for n in range(30)]
        bodies = [msgspec.json.encode(one) for one in (*more, last)]
        tracemalloc.start()
        try:
            found, _ = await read_once(Api(*bodies))
            kept, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert len(names(found)) == 100
        assert peak - kept < 2 * 2**20

    @pytest.mark.parametrize(
        "body",
        [
            *(b"", b"<html>", b"null", b"[]", b"\xff", b"[" * 5000, b'{"metadata":' * 5000),
            {"items": []},
            {"metadata": None, "items": []},
            {"metadata": {}, "items": {}},
            {"metadata": {}, "items": "x"},
            {"metadata": {"resourceVersion": 7}, "items": []},
            {"metadata": {"resourceVersion": "5", "continue": ["x"]}, "items": []},
            {"metadata": {"resourceVersion": "5", "continue": nested(3000)}, "items": []},
        ],
        ids=str,
    )
    async def test_what_is_no_page(self, body: Any) -> None:
        found, why = await read_once(Api(body))
        assert (names(found), why) == ({"known"}, "undecodable")

    @pytest.mark.parametrize("version", ["", "x", "\u0667", "\u00b2", "9" * 5000, "-1", "1e3"])
    async def test_a_version_that_is_none(self, version: str) -> None:
        """Nothing can be told by it: neither what is gone, nor where to go on."""
        found, why = await read_once(Api(page(secret("a", 11), version=version)))
        assert (names(found), why, found._position) == ({"known"}, "undecodable", "")
        assert kept(found).horizon("ns") == 10

    @pytest.mark.parametrize(
        "bad", [None, 7, "x", [], {}, {"metadata": {}}, {"metadata": {"name": ""}}, nested(3000)]
    )
    async def test_an_item_that_is_none_costs_no_other(self, bad: Any) -> None:
        items = page(secret("a", 11), bad, secret("b", 12))
        found, why = await read_once(Api(items, items, page(secret("a", 11), secret("b", 12))))
        assert (names(found), why) == ({"a", "b"}, "closed")

    async def test_after_all_that_a_good_list_counts(self) -> None:
        reflector = knowing(Api(page(onward="x")))
        assert await reflector._once() == "undecodable"
        after: Any = Api(page(secret("a", 11)))
        reflector.transport = after
        assert await reflector._once() == "closed"
        assert names(reflector) == {"a"}

    @fuzzed(60)
    @given(
        value=HOSTILE,
        place=st.sampled_from(["items", "metadata", "continue", "resourceVersion", "item", "else"]),
    )
    async def test_anything_anywhere(self, value: Any, place: str) -> None:
        whole = page(secret("a", 11))
        if place in ("continue", "resourceVersion"):
            whole["metadata"][place] = value
        elif place == "item":
            whole["items"] = [value, secret("a", 11)]
        else:
            whole[place] = value
        found, why = await read_once(Api(msgspec.json.encode(whole)))
        assert why in ("closed", "undecodable")
        assert names(found) <= {"a", "known"}
        with suppress(Terminal):
            items_of(msgspec.json.encode(whole))


LINES = {
    "no type": {"object": secret("a", 11)},
    "a type that is none": {"type": 7, "object": secret("a", 11)},
    "a type of its own": {"type": "x" * 100_000, "object": secret("a", 11)},
    "a bookmark without anything": {"type": "BOOKMARK", "object": {}},
    "a bookmark of nothing": {"type": "BOOKMARK", "object": None},
    "a bookmark with notes that are none": {
        "type": "BOOKMARK",
        "object": {"metadata": {"resourceVersion": "50", "annotations": ["x"]}},
    },
    "a bookmark with notes of numbers": {
        "type": "BOOKMARK",
        "object": {"metadata": {"resourceVersion": "50", "annotations": {"a": 7}}},
    },
    "a bookmark with a version of 4,000 digits": {
        "type": "BOOKMARK",
        "object": {"metadata": {"resourceVersion": "9" * 4000}},
    },
    "a bookmark with a version in Arabic": {
        "type": "BOOKMARK",
        "object": {"metadata": {"resourceVersion": "\u0667\u0668"}},
    },
    "a bookmark with a number": {
        "type": "BOOKMARK",
        "object": {"metadata": {"resourceVersion": 7}},
    },
    "an error without anything": {"type": "ERROR", "object": {}},
    "an error of nothing": {"type": "ERROR", "object": None},
    "an error with a code in words": {"type": "ERROR", "object": {"code": "410"}},
    "an error with a code of its own": {
        "type": "ERROR",
        "object": {"code": 10**17},
    },
    "an error with a deep message": {"type": "ERROR", "object": {"message": nested(3000)}},
    "an error with a long message": {"type": "ERROR", "object": {"message": "x\n" * 10**6}},
    "no JSON": b"\xff\xfe\n",
    "deep": b"[" * 9000 + b"\n",
}


def series() -> set[str]:
    """All series of watches that there are."""
    counters = (metrics.WATCH_EVENTS, metrics.WATCH_RESTARTS)
    return {str(s.labels) for c in counters for m in c.collect() for s in m.samples}


class TestWatches:
    @pytest.mark.parametrize("line", LINES.values(), ids=LINES)
    async def test_what_is_no_event(self, line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was known stays, the reflector goes on, and metrics get no series of strangers'."""
        monkeypatch.setattr("natsctl.kube.reflector.FIRST_DELAY", 0.001)
        api = Api(lines=(*initial(10, "a"), line, event("ADDED", "never", 12)))
        transport: Any = api
        store: Store[Secret] = Store()
        reflector = Reflector(transport, SECRETS, store)
        task = asyncio.create_task(reflector.run())
        await asyncio.sleep(0.02)
        assert not task.done()
        task.cancel()
        assert {name for _, name in store.keys()} == {"a"}  # noqa: SIM118 - a Store is no dict
        assert store.horizon("ns") in (10, 11)
        assert not [text for text in series() if "xxx" in text or "000000" in text]

    async def test_a_bookmark_of_a_good_kind_counts(self) -> None:
        api = Api(lines=(*initial(10, "a"), bookmark(50)))
        transport: Any = api
        reflector = Reflector(transport, SECRETS, Store[Secret]())
        assert await reflector._once() == "closed"
        assert reflector._position == "50"


def values(found: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in an object."""
    inner: Iterable[tuple[Any, Any]] = found.items() if isinstance(found, dict) else ()
    inner = enumerate(found) if isinstance(found, list) else inner
    for key, value in inner:
        yield (*way, key)
        yield from values(value, (*way, key))


def put(found: Any, way: tuple[Any, ...], value: Any) -> Any:
    if not way:
        return value
    changed = found.copy()
    changed[way[0]] = put(found[way[0]], way[1:], value)
    return changed


REPLY = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {
        "name": "s",
        "namespace": "ns",
        "uid": "u",
        "resourceVersion": "5",
        "generation": 1,
        "labels": {"a": "b"},
        "annotations": {"nats.io/schema-revision": "9", "nats.io/proven": "x"},
        "managedFields": [{"manager": "natsctl", "operation": "Update", "fieldsV1": {}}],
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "ownerReferences": [],
    },
    "data": {"seed": "eA=="},
    "spec": {"a": "b"},
    "status": {"token": "t0ken", "expirationTimestamp": "2040-01-01T00:00:00Z"},
}
PLACES = st.sampled_from(list(values(REPLY)))


@fuzzed(120)
@given(way=PLACES, value=HOSTILE, kind=st.sampled_from(sorted(BY_KIND)))
async def test_every_reply_is_read_or_an_error_like_others(
    way: tuple[Any, ...], value: Any, kind: str
) -> None:
    body = msgspec.json.encode(put(REPLY, way, value))
    api: Any = Api(body)
    client, resource = Client(api), BY_KIND[kind]
    where = (resource, "ns", "s")
    manifest = {"metadata": {"name": "s", "namespace": "ns"}}
    started = time.thread_time()
    requests: list[Callable[[], Any]] = [
        lambda: client.get(*where),
        lambda: client.raw(*where),
        lambda: client.create(resource, manifest),
        lambda: client.apply(resource, manifest),
        lambda: client.patch(*where, {}),
        lambda: client.patch_status(*where, {}),
        lambda: client.delete(*where, "u"),
        lambda: client.submit(*where, "token", {}),
        lambda: load_identity(client, "ns"),
    ]
    for ask in requests:
        with suppress(ApiError):
            await ask()
    with suppress(SchemaTooOld):
        await check_schema(client)
    assert time.thread_time() - started < allowed(ALL)


NO_REVISION = [
    "",
    "x",
    "-1",
    "\u00b2",
    "\u0667",
    "9" * 5000,
    "1e3",
    "0",
    "Urgent run: curl x\x1b[2J",
]


@pytest.mark.parametrize("text", NO_REVISION)
async def test_a_schema_revision_that_is_none_is_too_old(text: str) -> None:
    noted = {"name": "x", "annotations": {"nats.io/schema-revision": text}}
    api: Any = Api({"metadata": noted, "spec": {"versions": nested(30)}})
    with pytest.raises(SchemaTooOld) as raised:
        await check_schema(Client(api))
    words = str(raised.value)
    assert words.isprintable()
    assert len(words) < 500
    assert "run: natsctl crds" in words
    assert 'revision "Urgent' in words or "Urgent" not in words


async def test_a_crd_that_cannot_be_read_says_nothing_of_its_age() -> None:
    """As without the right to read it: the answers to come will tell."""
    for body in (b"<html>", {"metadata": {"name": ["x"]}}):
        api: Any = Api(body)
        await check_schema(Client(api))


@pytest.mark.parametrize("seed", ["", "!!!", "eA==", "4pi6", "\u00e9", "A" * 500_000])
async def test_a_secret_of_the_operator_that_holds_no_key_ends_nothing(seed: str) -> None:
    meta = {"name": "s", "namespace": "ns", "uid": "u", "resourceVersion": "5"}
    api: Any = Api({"metadata": meta, "data": {"seed": seed}})
    assert await load_identity(Client(api), "ns") == Identity()


def odd_tokens() -> Iterator[Any]:
    tokens: list[Any] = [None, 7, [], "", "a b", "x\n", "\x1b[2J", "x" * 100_000, "\u202e"]
    for token in tokens:
        yield {"status": {"token": token, "expirationTimestamp": "2040-01-01T00:00:00Z"}}
    yield from ({}, {"status": None}, {"status": []}, {"status": {"token": "t0ken"}})
    ends: list[Any] = [None, 7, "", "noon", "9" * 5000, "0001-01-01T00:00:00+23:59", ["x"], {}]
    for end in ends:
        yield {"status": {"token": "t0ken", "expirationTimestamp": end}}


@pytest.mark.parametrize("reply", list(odd_tokens()), ids=lambda reply: str(reply)[:60])
def test_an_answer_to_a_token_request_without_a_token(reply: Json) -> None:
    with pytest.raises(Terminal, match="no usable token"):
        answered(reply)


class TestErrors:
    @fuzzed(80)
    @given(
        status=ERRORS,
        message=HOSTILE,
        reason=HOSTILE,
        retry=st.sampled_from(
            [None, "", "5", "\u00b2", "\u0667", "9" * 5000, "1e400", "-1", "soon"]
        ),
    )
    def test_what_an_answer_says_is_bounded(
        self, status: int, message: Any, reason: Any, retry: str | None
    ) -> None:
        body = msgspec.json.encode({"kind": "Status", "message": message, "reason": reason})
        found = error_of(status, body, retry)
        assert str(found).isprintable()
        assert len(str(found)) <= 4000
        after = getattr(found, "retry_after", None)
        assert after is None or 0 <= after <= 60

    @pytest.mark.parametrize(
        "body", [b"", b"\xff" * 5000, b"[" * 9000, b"null", b"7", b"x" * 10**7]
    )
    def test_what_is_no_status(self, body: bytes) -> None:
        found = error_of(503, body, "\u00b2")
        assert isinstance(found, Transient)
        assert str(found)
        assert len(str(found)) <= 4000


@pytest.mark.parametrize(
    "change",
    [
        *({"uid": 7}, {"uid": None}, {"resourceVersion": []}, {"annotations": ["x"]}),
        *({"labels": {"a": 7}}, {"managedFields": {"a": 1}}, {"managedFields": [7]}),
        *({"managedFields": [{"time": 7}]}, {"managedFields": [{"fieldsV1": "f:data"}]}),
    ],
    ids=str,
)
async def test_a_live_object_that_is_something_else(change: Json) -> None:
    """Whoever changes it goes by its metadata: it is an error of the API, not a bug of ours."""
    meta = {"name": "s", "uid": "u", "resourceVersion": "5"}
    api: Any = Api({"metadata": meta | change})
    with pytest.raises(Terminal, match="cannot be read"):
        await Client(api).raw(SECRETS, "ns", "s")
    assert whole(json.dumps({"metadata": meta}).encode())["metadata"] == meta


@pytest.mark.parametrize("meta", [None, 7, [], "deletionTimestamp", {}])
async def test_a_deletion_that_answers_without_metadata_is_one(meta: Any) -> None:
    api: Any = Api({"kind": "Pod", "metadata": meta})
    assert await Client(api).delete(CRDS, None, "x", "u") is None


def test_raw_json_is_written_as_it_stands() -> None:
    """Else the tests above would show nothing."""
    assert msgspec.json.encode({"a": raw("1e400")}) == b'{"a":1e400}'
