"""The process may die at any write, and starts again with empty memory: nothing else comes of it.

Each story is told once without a crash. What there is before each of its writes, and after each of
them before the answer comes, is kept: that is what a process leaves which dies then. The next one,
which knows nothing, has to come to the same end from there, delete nothing more, and write nothing
once it is there. Moments between which nothing changed are one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs
import msgspec
import pytest

from natsctl.model import names
from tests.unit.plan.references import authority
from tests.unit.simulated import volumes
from tests.unit.simulated.apiserver import ApiServer
from tests.unit.simulated.clusters import SPEC, cluster, settled, three_servers
from tests.unit.simulated.crashes import (
    CLUSTER,
    End,
    Moment,
    Story,
    at_rest,
    began,
    conditions,
    essence,
    go_on,
    is_ready,
    loaded,
    moment_of,
    running,
    tell,
)
from tests.unit.simulated.go_operator import go_objects, running_at
from tests.unit.simulated.keys import have_second_key, rekeyed, with_first_key
from tests.unit.simulated.nodes import Node
from tests.unit.simulated.process import SETTINGS, Line, When, encoded, installed, virtual_clock
from tests.unit.simulated.requests import Request, Where
from tests.unit.simulated.volumes import (
    has_volumes,
    have_grown,
    is_without_volumes,
    larger,
    replaced,
    with_one_fixed_volume,
    with_volumes,
    with_volumes_left,
)

pytestmark = [pytest.mark.looptime, pytest.mark.unmeasured]

ROLE: Where = ("NatsServiceRole", "ns", "worker")
OWNED = ("Pod", "Service", "Secret", "NetworkPolicy", "NatsCluster")


async def nothing() -> ApiServer:
    """No cluster yet."""
    return installed()


def with_a_role(api: ApiServer) -> None:
    """The user gives a role to the ServiceAccounts `worker` of two namespaces."""
    both = {"names": ["ns", "elsewhere"]}
    spec = {"permissions": {"publish": ["a"]}, "serviceAccountNamespaces": both}
    meta = {"name": "worker", "namespace": "ns", "labels": {"nats_cluster": "c"}}
    api.add({"apiVersion": names.API_VERSION, "kind": ROLE[0], "metadata": meta, "spec": spec})


async def with_accounts() -> ApiServer:
    """A cluster whose users are ServiceAccounts, of which none has a role."""
    api = installed()
    api.add(cluster({**SPEC, "auth": {"enableServiceAccounts": True}}))
    for namespace in ("ns", "elsewhere"):
        meta = {"name": "worker", "namespace": namespace}
        api.add({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    return await settled(api)


async def with_tokens() -> ApiServer:
    """A cluster whose users are two ServiceAccounts."""
    api = await with_accounts()
    with_a_role(api)
    return await settled(api)


async def with_certificates() -> ApiServer:
    """A cluster whose servers have certificates."""
    api = installed()
    certificate_until(2030)(api)
    api.add(cluster({**SPEC, "tls": {"serverSecret": "tls", "routesSecret": "tls"}}))
    return await settled(api)


def certificate_until(year: int) -> Callable[[ApiServer], None]:
    """Somebody writes another certificate."""

    def act(api: ApiServer) -> None:
        end = datetime(year, 1, 1, tzinfo=UTC)
        issued = authority().issue_cert("*.c-mgmt.ns.svc", not_after=end)
        files = {
            "ca.crt": authority().cert_pem,
            "tls.crt": issued.cert_chain_pems[0],
            "tls.key": issued.private_key_pem,
        }
        data = {name: encoded(blob.bytes().decode()) for name, blob in files.items()}
        meta = {"name": "tls", "namespace": "ns"}
        api.add({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})

    return act


def has_certificates_until(year: int) -> Callable[[ApiServer], bool]:
    """Whether the cluster tells of these, and that nothing goes on."""

    def check(api: ApiServer) -> bool:
        told = api.objects[CLUSTER]["status"]["certificates"]
        return is_ready(api) and all(c["notAfter"].startswith(f"{year}-") for c in told)

    return check


def removes(where: Where) -> Callable[[ApiServer], None]:
    """The user deletes an object."""
    return lambda api: api.delete(where)


async def of_another_installation() -> ApiServer:
    """A cluster of an installation that is gone, whose servers know another operator's user."""
    api = installed()
    api.add(cluster())
    async with running(api, settings=attrs.evolve(SETTINGS, namespace="other")) as process:
        await at_rest(api, process, is_ready)
    api.remove(("Lease", "other", "nats-operator"))
    return api


async def of_the_go_operator() -> ApiServer:
    """Objects as the Go operator leaves them."""
    api = installed()
    owner = api.add({**cluster({"size": 2, "version": "2.9.25"}), "status": {"size": 2}})
    for item in go_objects(owner["metadata"]["uid"]):
        api.add(item)
    for index in "12":
        api.edit(("Pod", "ns", f"c-{index}"), {"status": running_at(f"10.0.0.{index}")})
    return api


async def with_a_network_policy() -> ApiServer:
    """A cluster that not everybody can reach."""
    api = installed()
    api.add(cluster({**SPEC, "networkPolicy": {}}))
    return await settled(api)


def creates(api: ApiServer) -> None:
    """The user creates a cluster."""
    api.add(cluster())


def creates_volumes(api: ApiServer) -> None:
    """The user creates a cluster whose servers have volumes."""
    api.add(cluster(volumes.SPEC))


async def with_more_volumes() -> ApiServer:
    """A cluster of five servers with volumes."""
    api = installed()
    api.add(cluster({**volumes.SPEC, "size": 5}))
    return await settled(api)


async def with_volumes_that_go() -> ApiServer:
    """A cluster of four servers whose volumes go when they leave."""
    api = installed()
    policy = {"whenScaled": "Delete"}
    spec = {**volumes.SPEC, "size": 4, "persistentVolumeClaimRetentionPolicy": policy}
    api.add(cluster(spec))
    return await settled(api)


async def of_one_release() -> ApiServer:
    """A cluster at rest whose servers have no volumes, and could have."""
    api = installed()
    api.add(cluster({"size": 3, "version": "2.14.10"}))
    return await settled(api)


async def without_volumes_any_more() -> ApiServer:
    """A cluster whose servers had volumes until JetStream was switched off."""
    api = await with_volumes()
    async with running(api) as process:
        await at_rest(api, process, is_ready)
        changes(jetstream=None)(api)
        await at_rest(api, process, is_without_volumes)
        await process.stop()
    return api


def loses_a_volume(api: ApiServer) -> None:
    """Somebody deletes the claim and the pod of a server."""
    api.remove(volumes.volume(2))
    api.delete(volumes.pod(2))


def is_lost(api: ApiServer) -> bool:
    """Whether that is told, and the server is away."""
    return volumes.pod(2) not in api.objects and conditions(api).get("VolumesReady") == "False"


async def with_a_lost_volume() -> ApiServer:
    """A cluster of which one server lost its volume."""
    api = await with_volumes()
    async with running(api) as process:
        await at_rest(api, process, is_ready)
        loses_a_volume(api)
        await at_rest(api, process, is_lost)
        await process.stop()
    return api


def makes_it_again(api: ApiServer) -> None:
    """Somebody makes the claim of the server again, and does not say what is on it."""
    there = api.objects[volumes.volume(1)]
    kind, namespace, name = volumes.volume(2)
    meta = {"name": name, "namespace": namespace, "labels": there["metadata"]["labels"]}
    made = {key: there[key] for key in ("apiVersion", "kind", "spec", "status")}
    api.add({**made, "kind": kind, "metadata": meta})


async def with_no_volume_left() -> ApiServer:
    """A cluster that lost all of them."""
    api = await with_volumes()
    async with running(api) as process:
        await at_rest(api, process, is_ready)
        for index in (1, 2, 3):
            api.remove(volumes.volume(index))
            api.delete(volumes.pod(index))
        await at_rest(api, process, is_lost)
        await process.stop()
    return api


def accepts(api: ApiServer) -> None:
    """The user accepts an empty volume."""
    told = {c["type"]: c["message"] for c in api.objects[CLUSTER]["status"]["conditions"]}
    token = told["VolumesReady"].rpartition(f"{names.NEW_VOLUME_ANNOTATION}=")[2]
    api.edit(CLUSTER, {"metadata": {"annotations": {names.NEW_VOLUME_ANNOTATION: token}}})


def deletes(api: ApiServer) -> None:
    """The user deletes the cluster."""
    api.delete(CLUSTER)


def does_nothing(_: ApiServer) -> None:
    """The process finds what there is."""


def changes(**spec: Any) -> Callable[[ApiServer], None]:
    """The user changes the spec."""

    def act(api: ApiServer) -> None:
        api.edit(CLUSTER, {"spec": spec})

    return act


def is_gone(api: ApiServer) -> bool:
    """Whether nothing of the cluster is left."""
    return not any(where[2].startswith("c") for where in api.objects if where[0] in OWNED)


def is_refused(api: ApiServer) -> bool:
    """Whether the cluster says that its servers refuse their configuration."""
    told = conditions(api)
    return (told.get("ConfigAccepted"), told.get("Progressing")) == ("False", "False")


def has_tokens(count: int) -> Callable[[ApiServer], bool]:
    """Whether so many Secrets with tokens are there, and the servers know them."""

    def check(api: ApiServer) -> bool:
        found = [where for where in api.objects if where[2].endswith("bound-token")]
        return len(found) == count and is_ready(api)

    return check


def is_taken_over(api: ApiServer) -> bool:
    """Whether this installation manages the cluster, and it is what its spec says."""
    status = api.objects[CLUSTER].get("status") or {}
    return status.get("operator") == SETTINGS.installation and is_ready(api)


STORIES = {
    "create": Story(nothing, creates, is_ready),
    "create with volumes": Story(nothing, creates_volumes, has_volumes),
    "grow volumes": Story(with_volumes, larger, have_grown, serving=3, away=0),
    "replace a volume": Story(
        with_one_fixed_volume, replaced, have_grown, serving=2, away=1, returns=1
    ),
    "get a new key": Story(with_first_key, rekeyed, have_second_key, serving=2, away=1, returns=1),
    "roll with JetStream": Story(
        with_volumes, changes(version="2.14.11"), has_volumes, serving=2, away=1
    ),
    "scale up with volumes": Story(with_volumes, changes(size=5), has_volumes, serving=3),
    "scale down with volumes": Story(
        with_more_volumes, changes(size=3), has_volumes, serving=3, away=1, returns=1
    ),
    "scale down with volumes that go": Story(
        with_volumes_that_go, changes(size=3), has_volumes, serving=3, away=1, returns=1
    ),
    "take volumes back": Story(with_volumes_left, creates_volumes, has_volumes),
    "lose a volume": Story(with_volumes, loses_a_volume, is_lost, serving=2),
    "accept an empty volume": Story(with_a_lost_volume, accepts, has_volumes, serving=2),
    "make a lost volume again": Story(with_a_lost_volume, makes_it_again, has_volumes, serving=2),
    "give all volumes up": Story(with_no_volume_left, accepts, has_volumes),
    "keep volumes": Story(with_volumes, deletes, is_gone, away=3),
    "switch JetStream on": Story(
        of_one_release, changes(jetstream={}), has_volumes, serving=2, away=1
    ),
    "switch JetStream off": Story(
        with_volumes, changes(jetstream=None), is_without_volumes, serving=2, away=1
    ),
    "switch JetStream back on": Story(
        without_volumes_any_more, changes(jetstream={}), has_volumes, serving=2, away=1
    ),
    "scale up": Story(three_servers, changes(size=5), is_ready, serving=3),
    "scale down": Story(three_servers, changes(size=1), is_ready, serving=1),
    "roll": Story(three_servers, changes(version="2.11.5"), is_ready, serving=2),
    "reload": Story(three_servers, changes(natsConfig={"debug": True}), is_ready, serving=3),
    "reload what servers refuse": Story(
        three_servers, changes(natsConfig={"debug": True}), is_refused, serving=3, refuses="no"
    ),
    "renew certificates": Story(
        with_certificates, certificate_until(2031), has_certificates_until(2031), serving=3
    ),
    "drop the network policy": Story(
        with_a_network_policy, changes(networkPolicy=None), is_ready, serving=3
    ),
    "give a role": Story(with_accounts, with_a_role, has_tokens(2), serving=3),
    "take a role away": Story(with_tokens, removes(ROLE), has_tokens(0), serving=3),
    "take an account away": Story(
        with_tokens, removes(("ServiceAccount", "elsewhere", "worker")), has_tokens(1), serving=3
    ),
    "delete": Story(three_servers, deletes, is_gone, away=3),
    "take over from another installation": Story(
        of_another_installation, does_nothing, is_taken_over, serving=2, early=True
    ),
    "take over from the Go operator": Story(
        of_the_go_operator, changes(version="2.11.5"), is_taken_over, serving=1, early=True
    ),
}


@pytest.mark.parametrize("name", STORIES)
async def test_a_crash_changes_nothing(name: str) -> None:
    story = STORIES[name]
    with virtual_clock():
        usual, moments = await tell(story, await story.begin())
        ends = [("no crash", usual)]
        ends += [(moment.name, await go_on(story, moment)) for moment in moments]
    for crash, end in ends:
        assert _alike(end, story) == _alike(usual, story), crash
        assert end.loaded == usual.loaded, crash
        assert end.deletions == usual.deletions or story.returns, crash
        assert set(map(_place, end.deletions)) == set(map(_place, usual.deletions)), crash
        assert 0 <= len(end.deletions) - len(usual.deletions) <= story.returns, crash
        assert end.late == (), crash
        assert end.most_away <= story.away, crash
        assert end.fewest_ready >= story.serving, crash


def _alike(end: End, story: Story) -> object:
    """What there is; a server that had to come back has another pod than one that did not."""
    if not story.returns:
        return end.objects
    text = msgspec.json.encode({"/".join(where): it for where, it in end.objects.items()}).decode()
    for pod in (it for where, it in end.objects.items() if where[0] == "Pod"):
        name = pod["metadata"]["name"]
        text = text.replace(pod["metadata"]["uid"], f"uid of {name}")
        text = text.replace(pod["status"]["podIP"], f"address of {name}")
    return msgspec.json.decode(text)


def _place(deletion: str) -> str:
    """What was deleted, whichever object of that name it was."""
    return deletion.partition(" ")[0]


async def test_a_process_that_is_killed_leaves_what_was_kept_of_that_moment() -> None:
    """Nothing of it is on its way that would still arrive."""
    story = STORIES["scale down"]
    with virtual_clock():
        start = await story.begin()
        kept: list[Moment] = []
        async with began(story, start, lambda *seen: kept.append(moment_of(*seen))) as process:
            await at_rest(process.line.api, process, story.is_done)
        for number, moment in enumerate(kept[1:]):
            api, servers = await killed(story, start, number)
            assert api == essence(moment.api), moment.name
            assert servers == {s.pod: s.loaded for s in moment.servers.values()}, moment.name


async def killed(story: Story, start: ApiServer, number: int) -> Any:
    """What there is once a process was killed at this one of its writes."""
    seen: list[When] = []

    def kill(line: Line, _: Node, asked: Request | None, when: When) -> None:
        if asked is not None:
            seen.append(when)
        if len(seen) > number:
            line.died.set()

    async with began(story, start, kill) as process:
        await process.line.died.wait()
        await process.kill()
        return essence(process.line.api), loaded(process.node)
