"""How often a server is reloaded until it surely has what it was to take up.

The kubelet here is a late one, which no real kubelet is when a test needs it: a second after the
pod changed it shows what it has heard of the Secret by then. API server and nats-server are as
simple; tests/e2e/test_reload.py has real ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import attrs
import msgspec
import pytest

from natsctl.controllers.cluster.reload import Progress, Reloader
from natsctl.controllers.watch.stores import Stores, open_stores
from natsctl.kube.client import Client
from natsctl.kube.errors import Conflict, NotFound
from natsctl.kube.resources import SECRETS
from natsctl.model import names
from natsctl.model.objects import Meta, Pod, Secret
from natsctl.model.observation import Observation
from natsctl.nats import system
from natsctl.nats.monitoring import Monitor
from natsctl.nats.nkey import Key
from natsctl.plan.actions import ReloadServer
from natsctl.plan.proof import digest_of
from natsctl.plan.state import Refusal

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
BEFORE = Meta(name="c-1", namespace="ns", uid="pod-1", resource_version="1")
CHANGED = {"time": NOON.isoformat(), "fieldsV1": {"f:data": {}}}


@attrs.define
class World:
    """A pod whose Secret changes at noon, which its kubelet hears of `lag` seconds later."""

    lag: float
    digests: bool = True
    seconds: float = 0.0
    stores: Stores = attrs.field(factory=lambda: open_stores(lambda key: None))
    nudged: list[float] = attrs.field(factory=list)
    loaded: str = "old"
    broken: bool = False
    noted: Mapping[str, Any] = attrs.field(factory=dict)
    refusal: str = ""
    reachable: bool = True
    gone: bool = False

    def __attrs_post_init__(self) -> None:
        self.stores.pods.put(Pod(BEFORE))

    @property
    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    @property
    def pod(self) -> Pod:
        found = self.stores.pods.get(("ns", "c-1"))
        assert found is not None
        return found

    async def patch(self, kind: Any, __: str, ___: str, patch: Mapping[str, Any]) -> Pod | Secret:
        """A merge patch of annotations."""
        if kind is SECRETS:
            return self.note(patch)
        old = self.pod.metadata
        told = {**(old.annotations or {}), **patch["metadata"]["annotations"]}
        annotations = {key: value for key, value in told.items() if value is not None}
        if annotations != old.annotations:
            self.nudged.append(self.seconds)
        version = str(int(old.resource_version) + 1)
        meta = msgspec.structs.replace(old, annotations=annotations, resource_version=version)
        return Pod(meta)

    def note(self, patch: Mapping[str, Any]) -> Secret:
        if self.broken:
            raise Conflict(409, "Conflict", "changed")
        self.noted = patch
        found = self.stores.secrets.get(("ns", "c"))
        assert found is not None
        notes = patch["metadata"]["annotations"]
        meta = msgspec.structs.replace(found.metadata, annotations=notes, resource_version="8")
        return msgspec.structs.replace(found, metadata=meta)

    async def raw(self, *_: Any) -> dict[str, Any]:
        """The Secret."""
        if self.gone:
            raise NotFound(404, "NotFound", "secrets c not found")
        meta = {"uid": "s", "resourceVersion": "7", "managedFields": [CHANGED]}
        return {"metadata": meta, "data": {"nats.conf": "eA==", "previous.nats.conf": "eQ=="}}

    async def reload(self, *_: Any) -> str:
        """The server reads its files."""
        if not self.reachable:
            raise system.Unreachable("no answer in time")
        if self.refusal:
            return self.refusal
        looked = [at + 1 for at in self.nudged if at + 1 <= self.seconds]
        if any(at >= self.lag for at in looked):
            self.loaded = "new"
        return ""

    async def ask(self, *_: Any) -> dict[str, Observation]:
        """The monitoring port."""
        digest = self.loaded if self.digests else ""
        return {
            "pod-1": Observation("S", config_digest=digest, config_load_time=self.now.isoformat())
        }

    async def attempt(
        self, config: str = "7", formerly: tuple[str, ...] = ()
    ) -> Progress | Refusal:
        action = ReloadServer(
            name="c-1",
            uid="pod-1",
            address="10.0.0.1",
            server_id="S",
            config=config,
            revision="r",
            digest="new" if self.digests else None,
            expiries=(),
            secrets=(),
            asks=True,
            message="",
            formerly=formerly,
        )
        reloader = Reloader(
            client=cast("Client", self),
            stores=self.stores,
            monitor=cast("Monitor", self),
            key=Key.generate,
            namespace="ns",
            secret="c",
            clock=lambda: self.now,
        )
        return await reloader.reload(action)

    async def until_done(self) -> float:
        """An attempt every second, and how many seconds it took."""
        started = self.seconds
        while await self.attempt() is not Progress.DONE:
            self.seconds += 1
            assert self.seconds - started < 300
        return self.seconds - started


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> World:
    found = World(**request.param)
    monkeypatch.setattr(system, "reload", found.reload)
    return found


def worlds(*every: dict[str, Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("world", every, indirect=True, ids=str)


@worlds({"lag": 0}, {"lag": 1.5}, {"lag": 5}, {"lag": 25})
async def test_a_kubelet_that_heard_of_the_pod_first_is_made_to_look_again(world: World) -> None:
    """It looks by itself only a minute later."""
    assert await world.until_done() <= 2 + 3 * world.lag
    assert world.loaded == "new"


@worlds(*({"lag": lag, "digests": False} for lag in (0, 1.5, 5, 8)))
async def test_a_server_that_cannot_tell_what_it_loaded_is_believed_later(world: World) -> None:
    assert 10 <= await world.until_done() <= 20
    assert world.loaded == "new"


@worlds({"lag": 0, "digests": False})
async def test_a_server_whose_turn_comes_late_waits_for_its_own_kubelet(world: World) -> None:
    """The Secret is long changed by then, and yet nobody has shown it to this pod."""
    world.seconds = 3600
    assert await world.attempt() is Progress.PENDING
    assert world.loaded == "old"
    assert await world.until_done() <= 10
    assert world.loaded == "new"


@worlds({"lag": 0, "digests": False})
async def test_another_configuration_is_waited_for_anew(world: World) -> None:
    for world.seconds in range(10):
        await world.attempt()
    before = world.pod.metadata.annotation(names.KUBELET_SYNCS_ANNOTATION)
    await world.attempt("8")
    after = world.pod.metadata.annotation(names.KUBELET_SYNCS_ANNOTATION)
    assert (len((before or "").split()), len((after or "").split())) == (3, 1)


@worlds({"lag": 0, "digests": False})
async def test_nudges_for_the_digest_of_an_earlier_natsctl_count(world: World) -> None:
    """An upgrade amid a reload: the pod says the same in the old form, then in the new one."""
    for world.seconds in range(10):
        await world.attempt("old")
    await world.attempt("new", formerly=("old",))
    notes = world.pod.metadata.annotations or {}
    assert notes[names.CONFIG_ANNOTATION] == "old"
    assert len(notes[names.KUBELET_SYNCS_ANNOTATION].split()) == 3
    for world.seconds in range(10, 40):
        await world.attempt("new", formerly=("old",))
    notes = world.pod.metadata.annotations or {}
    assert notes[names.CONFIG_ANNOTATION] == "new"


@worlds({"lag": 0}, {"lag": 0, "digests": False})
async def test_what_is_proven_leaves_nothing_to_look_after(world: World) -> None:
    await world.until_done()
    assert world.pod.metadata.annotations == {
        names.CONFIG_ANNOTATION: "7",
        names.REVISION_ANNOTATION: "r",
    }


@worlds({"lag": 0})
async def test_what_a_server_has_proven_is_noted_before_the_pod_tells(world: World) -> None:
    """A change right after it finds what to go back to."""
    notes = {names.PROVEN_ANNOTATION: "older"}
    meta = Meta(name="c", namespace="ns", uid="s", resource_version="7", annotations=notes)
    world.stores.secrets.put(Secret(meta, data={"nats.conf": "eA=="}))
    world.broken = True  # somebody wrote into it meanwhile
    with pytest.raises(Conflict):
        await world.until_done()
    assert names.REVISION_ANNOTATION not in (world.pod.metadata.annotations or {})
    world.broken = False
    await world.until_done()
    assert world.noted["metadata"]["resourceVersion"] == "7"
    content = digest_of({"nats.conf": "eA=="})
    assert world.noted["metadata"]["annotations"] == {names.PROVEN_ANNOTATION: content}


def with_secret(world: World) -> World:
    meta = Meta(name="c", namespace="ns", uid="s", resource_version="7")
    world.stores.secrets.put(Secret(meta, data={"nats.conf": "eA=="}))
    return world


@worlds({"lag": 0})
async def test_what_a_server_refuses_is_taken_back_with_its_words(world: World) -> None:
    with_secret(world).refusal = "no such file"
    assert await world.attempt() == Refusal("7", "no such file")
    assert world.noted == {
        "metadata": {
            "uid": "s",
            "resourceVersion": "7",
            "annotations": {names.REFUSED_ANNOTATION: "7 no such file"},
        },
        "data": {"nats.conf": "eQ=="},
    }
    assert names.REVISION_ANNOTATION not in (world.pod.metadata.annotations or {})


@worlds({"lag": 0})
async def test_what_takes_a_restart_stays_in_the_secret(world: World) -> None:
    with_secret(world).refusal = "config reload not supported for Port"
    assert await world.attempt() == Refusal("7", "config reload not supported for Port")
    assert world.noted == {}


@worlds({"lag": 0})
async def test_a_server_that_does_not_answer_is_asked_again(world: World) -> None:
    world.reachable = False
    assert await world.attempt() is Progress.PENDING
    world.reachable = True
    assert await world.until_done() <= 2


@worlds({"lag": 0})
async def test_a_pod_that_is_gone_is_left_alone(world: World) -> None:
    world.stores.pods.put(Pod(msgspec.structs.replace(BEFORE, uid="pod-2", resource_version="2")))
    assert await world.attempt() is Progress.PENDING
    assert world.nudged == []


@worlds({"lag": 0, "digests": False, "gone": True})
async def test_of_a_secret_that_is_gone_the_first_sync_counts(world: World) -> None:
    """Nobody can say when it changed."""
    assert 10 <= await world.until_done() <= 20
