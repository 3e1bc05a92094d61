"""How full a volume is, as whoever may write pods in a namespace may tell it."""

from __future__ import annotations

import pytest

from natsctl.model.jetstream import Volume
from natsctl.nats.gate import Gate
from natsctl.nats.monitoring import Place
from natsctl.nats.volume import LONGEST, volume_of
from tests.unit.nats.jetstream_server import Pages, listening
from tests.unit.plan.world import pod

TOLD = b'{"used":30,"available":70}'


async def ask(
    monkeypatch: pytest.MonkeyPatch, body: bytes = TOLD, *, watched: bool = True
) -> tuple[Volume | None, list[str]]:
    pages = Pages({"/volume": body})
    async with listening(pages) as port:
        monkeypatch.setattr("natsctl.model.names.VOLUME_PORT", port)
        place = Place("127.0.0.1", "nats-1", "ns", watched)
        return await volume_of(Gate(), place), pages.asked


async def test_a_reloader_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await ask(monkeypatch) == (Volume(30, 70), ["/volume"])
    assert Volume(30, 70).percent == 30


@pytest.mark.parametrize("container", ["nats", "reloader"])
def test_a_pod_with_a_reloader_may_tell(container: str) -> None:
    told = [{"name": name, "ready": True, "restartCount": 0} for name in ("nats", container)]
    place = Place.of(pod(1, {"size": 1}, containerStatuses=told))
    assert place.watched == (container == "reloader")


async def test_where_there_is_none_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await ask(monkeypatch, watched=False) == (None, [])


async def test_one_that_does_not_listen_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(Pages({})) as port:
        monkeypatch.setattr("natsctl.model.names.VOLUME_PORT", port)
    assert await volume_of(Gate(), Place("127.0.0.1", "nats-1", "ns", watched=True)) is None
    assert await volume_of(Gate(), Place("", "nats-1", "ns", watched=True)) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"used":1}',
        b'{"used":-1,"available":3}',
        b'{"used":1.5,"available":3}',
        b'{"used":"1","available":3}',
        b'{"used":1e30,"available":3}',
        b'{"used":99999999999999999999,"available":3}',
        b'{"used":0,"available":0}',
        b"\xff",
        b'{"used":30,"available":70}' + b" " * LONGEST,
        b"[" * 300,
    ],
)
async def test_what_cannot_be_so_is_unknown(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    assert (await ask(monkeypatch, body))[0] is None
