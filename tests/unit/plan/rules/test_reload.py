"""Which servers reload, who has them do it, and what happens to a refused configuration."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.model import names
from natsctl.model.objects import Pod, Secret
from natsctl.model.server_identity import server_name
from natsctl.model.slim import slim
from natsctl.plan.actions import Action, CreateServer, Ensure, ReloadServer, ReplaceServer
from natsctl.plan.engine import plan
from natsctl.plan.rules.reload import reload_servers
from natsctl.plan.servers.server import servers_of
from natsctl.plan.state import ClusterState, Desired, Refusal
from natsctl.plan.status.status import status
from natsctl.render.digest import expected_digests
from natsctl.render.revision.revision import with_previous_config
from natsctl.render.target import Target
from tests.unit.plan.reloading import SYSTEM, THREE, desired, goal_of, server
from tests.unit.plan.world import (
    UID,
    answers,
    changed,
    changed_secret,
    cluster_state,
    decided,
    evolved,
    planned,
    terminating,
)

DEBUG = THREE | {"natsConfig": {"debug": True}}


def seen(before: Target, after: Desired, *, reloader: bool = False, **changes: Any) -> ClusterState:
    """Servers made for one target that are to run another, everything else in place."""
    pods = tuple(server(i, before, reloader=reloader) for i in range(1, before.spec.size + 1))
    live = [slim(msgspec.convert(s.manifest, Secret)) for s in after.objects if s.kind == "Secret"]
    made = cluster_state(
        {"size": after.target.spec.size, "version": after.target.version.text},
        changes.pop("pods", pods),
        desired=after,
        secrets={secret.metadata.name: secret for secret in live},
    )
    return evolved(made, **changes)


def reloads(found: ClusterState) -> tuple[ReloadServer, ...]:
    return decided(reload_servers, found, ReloadServer)


def reloaded(found: Pod, after: Desired) -> Pod:
    """The same pod, once its server took this configuration."""
    annotations = dict(found.metadata.annotations or {})
    return changed(found, annotations=annotations | {names.CONFIG_ANNOTATION: after.config})


def actions(found: ClusterState) -> list[Action]:
    """The planned actions; Services aside, which are another matter here."""
    return [a for a in planned(found) if not (isinstance(a, Ensure) and a.wanted.kind == "Service")]


def told(found: ClusterState, type_: str) -> tuple[str, str, str]:
    condition = next(c for c in status(found).conditions if c.type == type_)
    return condition.status, condition.reason, condition.message


def test_a_paused_roll_stops_no_reload() -> None:
    before, paused = goal_of(THREE), DEBUG | {"rollout": {"paused": True}}
    (first,) = reloads(seen(before, desired(goal_of(paused))))
    assert first.name == "c-1"


def test_one_server_first_then_the_others() -> None:
    """A configuration that one refuses reaches no other."""
    before, after = goal_of(THREE), desired(goal_of(DEBUG))
    first = seen(before, after)
    (action,) = reloads(first)
    assert action.name == "c-1"
    assert action.asks
    assert "spec.natsConfig.debug" in action.message
    assert action.digest is not None
    made = server(1, after.target)
    assert [a.name for a in reloads(seen(before, after, pods=(made, *first.pods[1:])))] == ["c-2"]
    proven = reloaded(made, after)
    done = seen(before, after, pods=(proven, *first.pods[1:]))
    assert [a.name for a in reloads(done)] == ["c-2", "c-3"]


class TestDigestOnPods:
    """It is keyed: anybody may read a pod, and try passwords until a digest fits."""

    def test_it_tells_nothing_to_whoever_has_not_the_key(self) -> None:
        plain = desired(goal_of(DEBUG))
        mine, other = (attrs.evolve(plain, pepper=key) for key in (b"mine", b"other"))
        assert len({plain.config, mine.config, other.config}) == 3
        assert plain.config == plain.unkeyed == mine.unkeyed
        assert plain.config.strip("-") not in mine.config
        assert b"mine" not in repr(mine).encode()

    def test_it_is_of_one_configuration(self) -> None:
        one, two = (attrs.evolve(desired(goal_of(s)), pepper=b"k") for s in (DEBUG, THREE))
        assert one.config != two.config
        assert one.is_config(one.config)
        assert not one.is_config(two.config)
        assert not one.is_config(two.unkeyed)
        assert not one.is_config(None)

    def test_an_upgrade_at_rest_does_nothing(self) -> None:
        """The digest of an earlier natsctl stays until the next reload or restart."""
        before = desired(goal_of(DEBUG))
        after = attrs.evolve(before, pepper=b"k")
        pods = tuple(reloaded(server(i, after.target), before) for i in (1, 2, 3))
        assert actions(seen(before.target, after, pods=pods)) == []

    def test_an_upgrade_amid_a_reload_goes_on(self) -> None:
        """A server that took it from an earlier natsctl is done: the others follow at once."""
        before, plain = goal_of(THREE), desired(goal_of(DEBUG))
        after = attrs.evolve(plain, pepper=b"k")
        done = reloaded(server(1, after.target), plain)
        others = tuple(server(i, before) for i in (2, 3))
        found = reloads(seen(before, after, pods=(done, *others)))
        assert [(a.name, a.config, a.formerly) for a in found] == [
            ("c-2", after.config, after.former_configs),
            ("c-3", after.config, after.former_configs),
        ]
        assert plain.config in after.former_configs

    def test_an_upgrade_does_not_try_again_what_was_refused(self) -> None:
        plain = desired(goal_of(DEBUG))
        found = seen(goal_of(THREE), attrs.evolve(plain, pepper=b"k"))
        note = {names.REFUSED_ANNOTATION: f"{plain.config} no such file"}
        secret = changed_secret(found.secrets["c"], annotations=note)
        assert actions(evolved(found, secrets={"c": secret})) == []


def test_side_cars_reload_all_at_once_by_themselves() -> None:
    found = seen(goal_of(THREE), desired(goal_of(DEBUG)), reloader=True, quiet=1.0)
    assert [(a.name, a.asks) for a in reloads(found)] == [(f"c-{i}", False) for i in (1, 2, 3)]


def test_the_operator_asks_where_a_side_car_gets_nowhere() -> None:
    found = seen(goal_of(THREE), desired(goal_of(DEBUG)), reloader=True, quiet=31.0)
    assert all(a.asks for a in reloads(found))
    old = THREE | {"version": "2.9.25"}
    silent = seen(
        goal_of(old), desired(goal_of(old | {"natsConfig": {"debug": True}})), reloader=True
    )
    assert not any(a.asks for a in reloads(silent))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"natsConfig": {"maxPending": 2**20}}),
        ({"version": "2.9.25"}, {"version": "2.9.25", "natsConfig": {"debug": True}}),
        ({"version": "2.12.15"}, {"natsConfig": {"debug": True}}),
    ],
    ids=["not reloadable", "nobody can have it reload", "a new version at the same time"],
)
def test_else_servers_restart(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = seen(goal_of(THREE | before), desired(goal_of(THREE | after)))
    assert reloads(found) == ()
    (action,) = actions(found)
    assert isinstance(action, ReplaceServer)


def test_servers_without_the_system_account_cannot_be_asked() -> None:
    found = seen(goal_of(THREE, system=""), desired(goal_of(DEBUG, system="")))
    assert isinstance(actions(found)[0], ReplaceServer)


def test_nor_can_those_that_want_a_certificate_of_the_operator() -> None:
    found = seen(goal_of(THREE), desired(goal_of(DEBUG), can_connect=False))
    assert isinstance(actions(found)[0], ReplaceServer)


OTHER = "U" + "B" * 55


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (goal_of(THREE, account="SYS"), goal_of(THREE)),
        (goal_of(THREE, account="SYS"), goal_of(THREE, system="")),
    ],
    ids=["renamed", "not wanted any more"],
)
def test_an_account_of_earlier_versions_goes_with_a_restart(before: Target, after: Target) -> None:
    (action,) = actions(seen(before, desired(after)))
    assert isinstance(action, ReplaceServer)
    assert "spec.auth changed" in action.message


@pytest.mark.parametrize(
    ("before", "after"), [(OTHER, SYSTEM), ("", SYSTEM), (SYSTEM, "")], ids=["other", "new", "gone"]
)
def test_the_operators_user_comes_by_the_side_car_or_with_the_next_start(
    before: str, after: str
) -> None:
    """Nobody is asked with a key that servers do not know, and none restarts for it."""
    was, wanted = goal_of(THREE, system=before), desired(goal_of(THREE, system=after))
    alone = seen(was, wanted)
    assert not actions(alone)
    assert servers_of(alone)[0].pending == ("auth.system",)
    beside = reloads(seen(was, wanted, reloader=True))
    assert len(beside) == 3
    assert not any(action.asks for action in beside)


def test_servers_that_know_an_earlier_key_are_not_asked_but_restarted() -> None:
    found = seen(goal_of(THREE, system=OTHER), desired(goal_of(DEBUG)))
    (action,) = actions(found)
    assert isinstance(action, ReplaceServer)
    assert "natsConfig.debug" in action.message


def test_new_routes_wait_until_no_server_comes_or_goes() -> None:
    more = THREE | {"size": 4}
    after = desired(goal_of(more, routes="4"))
    before = goal_of(THREE, routes="3")
    growing = seen(before, after)
    assert [type(a) for a in actions(growing)] == [CreateServer]
    fourth = server(4, after.target)
    grown = seen(before, after, pods=(*growing.pods, fourth))
    grown = attrs.evolve(grown, observations=answers(*grown.pods))
    assert [a.name for a in reloads(grown)] == ["c-1"]
    leaving = attrs.evolve(grown, pods=(*growing.pods, terminating(fourth)))
    assert reloads(leaving) == ()
    assert status(leaving).servers[0].message.startswith("waiting to reload: the routes")


def test_users_do_not_wait_for_that() -> None:
    """Who was removed is to be out, whatever happens to other servers."""
    before, after = goal_of(THREE, auth_users="1"), desired(goal_of(THREE, auth_users="2"))
    found = seen(before, after)
    dying = attrs.evolve(found, pods=(*found.pods[:2], terminating(found.pods[2])))
    assert [a.name for a in reloads(dying)] == ["c-1"]


def test_a_server_that_was_not_asked_yet_waits() -> None:
    found = seen(goal_of(THREE), desired(goal_of(DEBUG)), observations={})
    assert reloads(found) == ()


def test_new_certificates_come_with_their_ends_and_secrets() -> None:
    from natsctl.api.types.status import CertificateStatus

    spec = THREE | {"tls": {"serverSecret": "s", "routesSecret": "r"}}
    ends = (CertificateStatus("clients", "s", "2027-01-01T00:00:00Z"),)
    after = desired(goal_of(spec, tls_certificates="2"), certificates=ends)
    (action,) = reloads(seen(goal_of(spec, tls_certificates="1"), after))
    assert action.expiries == (("clients", "2027-01-01T00:00:00Z"),)
    assert action.secrets == ("r", "s")
    assert "the certificates changed" in action.message


def test_what_is_busy_with_it_says_so() -> None:
    found = seen(goal_of(THREE), desired(goal_of(DEBUG)), quiet=1.0)
    state, reason, message = told(found, "Progressing")
    assert (state, reason) == ("True", "Reloading")
    assert "reloading c-1, c-2, c-3: spec.natsConfig.debug changed" in message
    assert told(found, "Ready")[0] == "True"
    assert plan(found).again is not None


def test_a_reload_that_takes_too_long_is_told() -> None:
    found = seen(goal_of(THREE), desired(goal_of(DEBUG)), quiet=181.0)
    assert "c-1 has not loaded its configuration" in told(found, "Degraded")[2]


class TestRefusal:
    def refused(self, words: str, **changes: Any) -> ClusterState:
        after = desired(goal_of(DEBUG))
        found = seen(goal_of(THREE), after, **changes)
        said = Refusal(after.config, words)
        return attrs.evolve(found, refusals={"pod-1": said})

    def withdrawn(self) -> ClusterState:
        after = desired(goal_of(DEBUG))
        found = seen(goal_of(THREE), after)
        note = {names.REFUSED_ANNOTATION: f"{after.config} no such file"}
        secret = changed_secret(found.secrets["c"], annotations=note)
        return evolved(found, secrets={"c": secret})

    def test_what_a_reload_cannot_do_a_restart_does(self) -> None:
        found = self.refused("config reload not supported for Port")
        (action,) = actions(found)
        assert isinstance(action, ReplaceServer)
        assert action.name == "c-3"

    def test_a_refusal_of_another_configuration_means_nothing(self) -> None:
        found = self.refused("config reload not supported for Port")
        stale = {"pod-1": Refusal("other", "config reload not supported for Port")}
        assert [a.name for a in reloads(attrs.evolve(found, refusals=stale))] == ["c-1"]

    def test_a_withdrawn_configuration_leaves_everything_alone(self) -> None:
        found = self.withdrawn()
        assert actions(found) == []
        state, reason, message = told(found, "ConfigAccepted")
        assert (state, reason) == ("False", "ReloadRefused")
        assert "no such file" in message
        assert told(found, "Degraded")[0] == "True"

    def test_another_configuration_gets_its_chance(self) -> None:
        found = self.withdrawn()
        other = desired(goal_of(THREE | {"natsConfig": {"trace": True}}))
        (action,) = (
            a for a in actions(attrs.evolve(found, desired=other)) if isinstance(a, Ensure)
        )
        assert action.wanted.kind == "Secret"


class TestWaiting:
    WAITS = ("Secret s does not exist: create it",)

    def waiting(self, **changes: Any) -> ClusterState:
        after = desired(goal_of(DEBUG), missing=self.WAITS)
        return seen(goal_of(THREE), after, **changes)

    def test_running_servers_keep_their_configuration(self) -> None:
        found = self.waiting()
        assert actions(found) == []
        assert told(found, "ConfigAccepted")[:2] == ("False", "Waiting")
        assert "the servers keep their current configuration" in told(found, "ConfigAccepted")[2]
        assert "Secret s does not exist" in told(found, "Degraded")[2]

    def test_that_is_neither_ready_nor_settled(self) -> None:
        """Servers that run are not yet what the spec says."""
        found = self.waiting()
        assert told(found, "Ready") == (
            "False",
            "ConfigNotAccepted",
            "the servers run an earlier configuration: see condition ConfigAccepted",
        )
        assert told(found, "Progressing") == (
            "False",
            "Waiting",
            "see condition ConfigAccepted",
        )

    def test_a_server_that_dies_comes_back_with_it(self) -> None:
        found = self.waiting()
        (action,) = actions(attrs.evolve(found, pods=found.pods[1:]))
        assert action == CreateServer(1, "c-1", previous_config=True)

    def test_which_it_gives_up_when_nothing_is_missing_any_more(self) -> None:
        """The others reload for what changed; this one does in any case."""
        goal = goal_of(DEBUG)
        first = server(1, goal)
        notes = dict(first.metadata.annotations or {})
        notes[names.REVISION_ANNOTATION] = with_previous_config(notes[names.REVISION_ANNOTATION])
        pods = (changed(first, annotations=notes), *(server(i, goal) for i in (2, 3)))
        (action,) = actions(seen(goal, desired(goal), pods=pods, observations=answers(*pods)))
        assert isinstance(action, ReloadServer)
        assert (action.name, with_previous_config(action.revision) == action.revision) == (
            "c-1",
            False,
        )

    def test_a_new_cluster_starts_no_server(self) -> None:
        found = self.waiting(pods=(), observations={}, secrets={})
        assert actions(found) == []
        assert status(found).phase == "Waiting"
        assert told(found, "Progressing")[1] == "Waiting"
        assert "no server starts until then" in told(found, "ConfigAccepted")[2]


def test_remarks_are_told() -> None:
    found = seen(goal_of(THREE), desired(goal_of(THREE), remarks=("nobody can connect",)))
    assert told(found, "ConfigAccepted") == ("True", "NobodyAllowed", "nobody can connect")


def test_a_spec_that_is_no_good_has_no_configuration() -> None:
    found = attrs.evolve(seen(goal_of(THREE), desired(goal_of(THREE))), desired=None)
    assert told(found, "ConfigAccepted")[0] == "Unknown"
    assert (found.refused, found.holding) == (None, ())


def test_nobody_can_have_an_old_server_reload_so_routes_wait_for_its_next_start() -> None:
    old = THREE | {"version": "2.9.25"}
    found = seen(goal_of(old, routes="3"), desired(goal_of(old, routes="4")))
    assert actions(found) == []
    assert {s.message for s in status(found).servers} == {""}
    extra = desired(goal_of(old | {"extraRoutes": [{"cluster": "x"}]}))
    message = status(seen(goal_of(old), extra)).servers[0].message
    assert message == "spec.extraRoutes changed: takes effect at the next restart"


def test_pods_that_are_edited_do_not_break_it() -> None:
    found = seen(goal_of(THREE), desired(goal_of(THREE)))
    odd = changed(found.pods[0], annotations={names.REVISION_ANNOTATION: "]"})
    assert actions(attrs.evolve(found, pods=(odd, *found.pods[1:]))) == []


def test_a_reload_is_proven_under_the_name_that_the_pod_gives_its_server() -> None:
    """Of a pod that an earlier natsctl made, the pod's own."""
    before, after = goal_of(THREE), desired(goal_of(DEBUG))
    pods = tuple(server(i, before) for i in (1, 2, 3))
    (action,) = reloads(seen(before, after))
    assert action.digest == expected_digests(after.target)(server_name("c", UID, 1))
    earlier = tuple(map(_made_earlier, pods))
    (action,) = reloads(seen(before, after, pods=earlier))
    assert action.digest == expected_digests(after.target)("c-1")


def _made_earlier(pod: Pod) -> Pod:
    made: Any = msgspec.to_builtins(pod)
    made["spec"]["containers"][0]["env"][0]["value"] = f'"{pod.metadata.name}"'
    return msgspec.convert(made, Pod)
