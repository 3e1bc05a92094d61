"""Whatever is stored as a spec, it is understood or its problems are named."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.api.parse import parse_spec
from natsctl.api.types.status import ClusterStatus, parse_status
from natsctl.model import names
from natsctl.model.objects import Cluster, ContainerStatus, Meta, Pod
from natsctl.plan.desired import (
    ADVICE_CLOSED,
    ADVICE_LEAVES,
    ADVICE_NAMED,
    TOKEN_BESIDE_BOTH,
    ParsedSpec,
    desired_of,
    parse_cluster,
)
from natsctl.plan.references import References
from natsctl.plan.state import Desired
from natsctl.render.config.routes import cluster_name
from natsctl.render.config.system_account import has_system
from natsctl.render.inputs import Images
from natsctl.render.pod.pod import pod as render_pod
from natsctl.render.revision.effects import reloadable
from natsctl.render.revision.revision import changed_fields, noted, revision_text
from tests.unit.api.jwts import operator_jwt
from tests.unit.api.strategies import specs
from tests.unit.plan.references import secret, users
from tests.unit.plan.world import pod

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
WITH_SYSTEM = References(system="U" + "A" * 55, pepper=b"pepper")
FIELDS = st.sampled_from(["size", "version", "pod", "natsConfig", "tls", "extraRoutes", "template"])


def cluster(spec: Any) -> Cluster:
    return Cluster(Meta(name="c", namespace="ns", uid="u", generation=1), spec=spec)


def understood(spec: Any, status: Any = None, pods: tuple[Pod, ...] = ()) -> ParsedSpec:
    return parse_cluster(cluster(spec), parse_status(status), pods)


def desired(
    spec: Any, status: Any = None, pods: tuple[Pod, ...] = (), references: References = WITH_SYSTEM
) -> Desired | None:
    return desired_of(cluster(spec), understood(spec, status, pods), pods, references, Images())


@given(JSON | st.dictionaries(FIELDS, JSON))
def test_nothing_stored_makes_it_fail(spec: Any) -> None:
    found = understood(spec)
    assert (found.version is None) == bool(found.problems) == (desired(spec) is None)


def spoiled(spec: Any, way: list[int], found: Any) -> Any:
    """The spec with something else in one place."""
    if not way or not isinstance(spec, dict | list) or not spec:
        return found
    places = list(spec) if isinstance(spec, dict) else range(len(spec))
    place = places[way[0] % len(places)]
    changed = dict(spec) if isinstance(spec, dict) else list(spec)
    changed[place] = spoiled(spec[place], way[1:], found)
    return changed


@given(specs(), st.lists(st.integers(0, 9), max_size=6), JSON)
def test_nothing_wrong_in_the_depth_of_a_good_spec_makes_it_fail(
    spec: Any, way: list[int], wrong: Any
) -> None:
    bad = spoiled(spec, way, wrong)
    assert (desired(bad) is None) == bool(understood(bad).problems)


@given(specs())
def test_what_is_understood_once_is_understood_the_same_way_again(spec: Any) -> None:
    """Else a new start of the operator would write everything anew."""
    assert desired(spec) == desired(dict(reversed(spec.items())))


VERSIONS = st.sampled_from(["", "2.9.25", "2.15.3"])


@given(specs() | JSON, VERSIONS, VERSIONS)
def test_what_was_read_for_one_version_is_judged_for_another_as_if_read_for_it(
    spec: Any, before: str, after: str
) -> None:
    earlier = parse_cluster(cluster(spec), parse_status({"currentVersion": before}), ())
    now = parse_status({"currentVersion": after})
    again = parse_cluster(cluster(spec), now, (), None, earlier)
    assert again == parse_cluster(cluster(spec), now, ())
    assert again.examined is not None
    assert earlier.examined is not None
    assert again.examined.reading is earlier.examined.reading
    assert before != after or again.examined is earlier.examined


def test_jetstream_is_refused_where_the_installation_does_not_have_it() -> None:
    plain, storing = {"size": 3}, {"size": 3, "jetstream": {}}
    status = parse_status({"acceptedSpec": json.dumps(plain)})
    (problem,) = (found := parse_cluster(cluster(storing), status, (), jetstream=False)).problems
    assert str(problem).startswith("spec.jetstream: is an alpha feature")
    assert "--feature-gates JetStream=true" in problem.message
    assert found.spec is not None
    assert found.spec.jetstream is None
    assert parse_cluster(cluster(storing), status, ()).problems == ()
    assert parse_cluster(cluster(plain), status, (), jetstream=False).problems == ()


def test_a_good_spec() -> None:
    found = desired({"size": 3, "version": "2.12.15"})
    assert found is not None
    assert [s.name for s in found.objects] == ["c", "c-mgmt", "c"]
    assert found.remarks == ()


def test_what_stands_on_pods_is_keyed_where_there_is_a_key() -> None:
    stored, meant = cluster({"size": 1}), understood({"size": 1})
    keyed = desired_of(stored, meant, (), WITH_SYSTEM, Images())
    signless = attrs.evolve(WITH_SYSTEM, signs=False)
    plain = desired_of(stored, meant, (), signless, Images())
    assert keyed is not None
    assert plain is not None
    assert keyed.config != keyed.unkeyed
    assert plain.config == plain.unkeyed


def test_unknown_fields_are_listed() -> None:
    found = desired({"size": 1, "colour": "blue"})
    assert found is not None
    assert [problem.path for problem in found.remarks] == ["spec.colour"]


@pytest.mark.parametrize(
    ("status", "pods", "version"),
    [
        ({}, (), "2.15.3"),
        ({"currentVersion": "2.9.25"}, (), "2.9.25"),
        ({}, ("2.10.29",), "2.10.29"),
        ({"currentVersion": "no tag"}, (), "2.15.3"),
    ],
)
def test_an_unset_version_keeps_what_the_cluster_has(
    status: dict[str, str], pods: tuple[str, ...], version: str
) -> None:
    made = tuple(pod(1, {"size": 1, "version": v}) for v in pods)
    found = desired({"size": 1}, status, made)
    assert found is not None
    assert found.target.version.text == version


def test_a_pause_counts_even_with_a_bad_spec() -> None:
    spec = {"size": 1, "paused": True, "lameDuckDurationSeconds": 1}
    assert desired(spec) is None
    assert understood(spec).paused


@pytest.mark.parametrize("jetstream", [True, False])
def test_a_paused_cluster_with_a_bad_spec_is_still_known_by_the_last_one_if_it_stores(
    jetstream: bool,
) -> None:
    """Somebody has to know whom others may evict."""
    last = {"size": 3, "version": "2.14.10"} | ({"jetstream": {}} if jetstream else {})
    before = ClusterStatus(accepted_spec=json.dumps(last))
    found = Cluster(Meta(name="c", namespace="ns"), spec={"size": "three", "paused": True})
    parsed = parse_cluster(found, before, ())
    assert parsed.problems
    assert (parsed.version is not None) == parsed.paused == jetstream


def test_routes_added_to_servers_that_have_a_name_come_with_advice() -> None:
    """Changing the name under running servers would tear them apart."""
    spec = {"size": 1, "version": "2.12.15", "extraRoutes": [{"cluster": "other"}]}
    named = pod(1, {"size": 1, "version": "2.12.15"})
    later, fresh = desired(spec, pods=(named,)), desired(spec)
    assert later is not None
    assert fresh is not None
    assert (later.advice, fresh.advice) == (ADVICE_NAMED.format("c"), "")


JOINING = {"size": 1, "version": "2.12.15", "extraRoutes": [{"cluster": "other"}]}


def made_for(found: Desired) -> Pod:
    return msgspec.convert(render_pod(found.target, 1), Pod)


def joined(spec: Any, name: str | None, *pods: Pod) -> Desired:
    found = desired(spec, pods=pods, references=attrs.evolve(WITH_SYSTEM, joined=name))
    assert found is not None
    return found


def test_servers_that_are_created_to_join_a_cluster_have_its_name() -> None:
    """And keep it, whatever becomes of the other one and of the routes to it."""
    fresh = joined(JOINING, "other")
    made = made_for(fresh)
    alone = {"size": 1, "version": "2.12.15"}
    kept = [
        joined(JOINING, "another", made),
        joined(JOINING, None, made),
        joined(alone, None, made),
    ]
    assert [cluster_name(d.target) for d in (fresh, *kept)] == ["other"] * 4
    elsewhere = ADVICE_NAMED.format("other")
    assert [d.advice for d in (fresh, *kept)] == ["", elsewhere, elsewhere, ""]


def test_servers_that_run_without_a_name_get_none() -> None:
    made = made_for(joined(JOINING, None))
    assert cluster_name(joined(JOINING, "other", made).target) is None
    called = joined(JOINING | {"clusterName": "main"}, "main", made)
    assert cluster_name(called.target) is None
    assert called.advice == ADVICE_NAMED.format("none of its own")


def test_a_name_that_the_user_gives_is_that_of_new_servers() -> None:
    spec = {"size": 1, "version": "2.12.15", "clusterName": "main"}
    fresh = joined(spec, "main")
    kept = joined(spec | {"clusterName": "more"}, "more", made_for(fresh))
    alone = joined({"size": 1, "version": "2.12.15"}, None, made_for(fresh))
    assert [cluster_name(d.target) for d in (fresh, kept, alone)] == ["main"] * 3
    assert [d.advice for d in (fresh, kept, alone)] == ["", ADVICE_NAMED.format("main"), ""]


def test_those_that_are_joined_by_their_neighbour_need_no_advice() -> None:
    named = pod(1, {"size": 1, "version": "2.12.15"})
    assert joined(JOINING, "c", named).advice == ""


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({}, False),
        ({"networkPolicy": {}}, True),
        ({"networkPolicy": {"enabled": False}}, False),
        ({"networkPolicy": {"routesFrom": [{"podSelector": {}}]}}, False),
        ({"networkPolicy": {}, "extraRoutes": [{"cluster": "c"}]}, False),
    ],
)
def test_routes_to_a_cluster_that_keeps_them_out_come_with_advice(
    other: dict[str, Any], told: bool
) -> None:
    spec = {"size": 1, "extraRoutes": [{"cluster": "hub"}]}
    neighbours = {"hub": parse_spec({"size": 1} | other)}
    found = desired(spec, references=attrs.evolve(WITH_SYSTEM, neighbours=neighbours))
    assert found is not None
    assert found.advice == (ADVICE_CLOSED.format("hub") if told else "")


NEWER = {"size": 1, "version": "2.14.10"}
OLDER = {"size": 1, "version": "2.12.15"}


DEBUG, PENDING = {"natsConfig": {"debug": True}}, {"natsConfig": {"maxPending": 2**20}}
JETSTREAM = {"template": {"spec": {"containers": [{"name": "nats", "args": ["-js"]}]}}}


def account_of(spec: Any, *pods: Pod) -> str:
    """The account with the operator's user; empty: it has none."""
    found = desired(spec, pods=pods)
    assert found is not None
    inputs = found.target.inputs
    return inputs.account if has_system(found.target) else ""


def older(number: int, spec: Any) -> Pod:
    """A pod whose server has the account, and the one user, of earlier versions."""
    made = pod(number, spec)
    notes = made.metadata.annotations or {}
    stamp = json.loads(notes[names.REVISION_ANNOTATION]) | {"system": "b5bea41b6c"}
    notes = {**notes, names.REVISION_ANNOTATION: json.dumps(stamp)}
    meta = msgspec.structs.replace(made.metadata, annotations=notes)
    return msgspec.structs.replace(made, metadata=meta)


def newer(number: int, spec: Any) -> Pod:
    """One that was restarted meanwhile."""
    found = desired(spec)
    assert found is not None
    notes = {names.REVISION_ANNOTATION: revision_text(found.revision)}
    made = pod(number, spec)
    return msgspec.structs.replace(
        made, metadata=msgspec.structs.replace(made.metadata, annotations=notes)
    )


def test_the_operators_user_is_in_the_default_system_account() -> None:
    assert account_of(OLDER) == "$SYS"
    assert account_of({"size": 1, "version": "2.2.6"}) == ""


@pytest.mark.parametrize("spec", [OLDER, OLDER | DEBUG, OLDER | PENDING, NEWER])
def test_servers_without_the_user_get_it_at_once(spec: Any) -> None:
    """It takes no restart."""
    assert account_of(spec, pod(1, OLDER)) == "$SYS"


@pytest.mark.parametrize(
    ("spec", "account"),
    [
        (OLDER, "SYS"),
        (OLDER | {"extraRoutes": [{"route": "nats://other:6222"}]}, "SYS"),
        (OLDER | PENDING, "$SYS"),
        (NEWER, "$SYS"),
    ],
    ids=["nothing", "routes", "a restart", "another version"],
)
def test_an_account_of_another_name_stays_until_servers_are_restarted(
    spec: Any, account: str
) -> None:
    assert account_of(spec, older(1, OLDER)) == account


def test_a_change_that_nobody_can_ask_them_to_reload_restarts_them() -> None:
    """They know a key that other clusters know, too, with which nothing is signed."""
    assert account_of(OLDER | DEBUG, older(1, OLDER)) == "$SYS"
    beside = ContainerStatus(name=names.RELOADER)
    served = older(1, OLDER)
    status = msgspec.structs.replace(served.status, container_statuses=(beside,))
    served = msgspec.structs.replace(served, status=status)
    assert account_of(OLDER | DEBUG, served) == "SYS"
    assert account_of(OLDER | PENDING, served) == "$SYS"


def test_a_change_of_the_account_goes_through_all_servers() -> None:
    """Going back to the old spec does not end it half way."""
    assert account_of(OLDER, newer(1, OLDER), older(2, OLDER)) == "$SYS"


@pytest.mark.parametrize("spec", [OLDER, OLDER | PENDING, NEWER])
def test_servers_that_may_keep_streams_keep_the_account_for_ever(spec: Any) -> None:
    """A server finds its streams under the name of the account, and nowhere else."""
    assert account_of(spec | JETSTREAM, older(1, OLDER | JETSTREAM)) == "SYS"
    assert account_of(spec | JETSTREAM, newer(1, OLDER | JETSTREAM)) == "$SYS"
    mixed = newer(1, OLDER | JETSTREAM), older(2, OLDER | JETSTREAM)
    assert account_of(spec | JETSTREAM, *mixed) == "SYS"


def test_a_token_that_would_keep_servers_from_starting_is_named() -> None:
    token = {"token": "t"}
    spec = {
        "size": 1,
        "auth": {"clientsAuthSecret": "s"},
        "gatewayConfig": {"name": "g", "hostPort": 7222},
        "leafnodeConfig": {"hostPort": 7422},
    }
    found = desired(spec, references=attrs.evolve(WITH_SYSTEM, secrets={"s": users(token, "s")}))
    assert found is not None
    assert found.waiting == (TOKEN_BESIDE_BOTH,)


LEAVES = {
    "size": 1,
    "version": "2.10.29",
    "auth": {"clientsAuthSecret": "s"},
    "leafnodeConfig": {"hostPort": 7422},
}
WITH_USERS = attrs.evolve(
    WITH_SYSTEM, secrets={"s": users({"users": [{"username": "u", "password": "p"}]}, "s")}
)


def leaves_open(spec: Any, *pods: Pod) -> bool:
    found = desired(spec, pods=pods, references=WITH_USERS)
    assert found is not None
    assert (ADVICE_LEAVES in found.advice) is found.target.open_leaves
    return found.target.open_leaves


def made_before(spec: Any) -> Pod:
    """A pod of a natsctl that knew nothing of leaf nodes without a login."""
    found = desired(spec, references=WITH_USERS)
    assert found is not None
    made = msgspec.to_builtins(made_for(found))
    annotations = made["metadata"]["annotations"]
    stamp = json.loads(annotations["nats.io/revision"])
    annotations["nats.io/revision"] = json.dumps({k: v for k, v in stamp.items() if k != PATH})
    return msgspec.convert(made, Pod)


PATH = "auth.leafnodes"


class TestLeafNodesWithoutALogin:
    def test_new_servers_keep_them_out(self) -> None:
        assert not leaves_open(LEAVES)

    def test_running_ones_that_let_them_in_do_so_until_they_restart_anyway(self) -> None:
        old = made_before(LEAVES)
        assert leaves_open(LEAVES, old)
        assert leaves_open(LEAVES | {"natsConfig": {"debug": True}}, old)
        assert not leaves_open(LEAVES | {"natsConfig": {"maxPending": 2**20}}, old)

    def test_an_upgrade_of_the_operator_rolls_nothing(self) -> None:
        found = desired(LEAVES, pods=(made_before(LEAVES),), references=WITH_USERS)
        assert found is not None
        assert PATH not in found.revision

    def test_so_do_servers_that_tell_nothing_of_themselves(self) -> None:
        made = msgspec.to_builtins(made_before(LEAVES))
        made["metadata"]["annotations"] = {}
        assert leaves_open(LEAVES, msgspec.convert(made, Pod))

    def test_servers_that_keep_them_out_go_on(self) -> None:
        fresh = desired(LEAVES, references=WITH_USERS)
        assert fresh is not None
        assert not leaves_open(LEAVES, made_for(fresh), made_before(LEAVES))

    def test_asking_for_a_login_at_last_restarts_them(self) -> None:
        """A reload would ask clients alone."""
        alone = {k: v for k, v in LEAVES.items() if k != "auth"}
        assert not leaves_open(LEAVES, made_before(alone))


class TestDoorsThatContradict:
    SPEC: ClassVar[Any] = {
        "size": 1,
        "tls": {"serverSecret": "s", "verify": True},
        "websocketConfig": {"port": 8080, "no_tls": True},
    }

    def test_a_new_cluster_is_refused(self) -> None:
        (problem,) = understood(self.SPEC).problems
        assert problem.path == "spec.websocketConfig"

    def test_one_that_runs_goes_on_and_is_told(self) -> None:
        status = {"currentVersion": "2.14.5"}
        assert understood(self.SPEC, status).problems == ()
        found = desired(self.SPEC, status)
        assert found is not None
        assert "spec.websocketConfig opens a port" in found.advice


def test_servers_that_keep_leaf_nodes_out_by_themselves_need_no_advice() -> None:
    newer = LEAVES | {"version": "2.12.15"}
    assert not leaves_open(newer, made_before(newer))


OPERATED = {"size": 1, "version": "2.12.15", "operatorConfig": {"secret": "o"}}
JWT_PATH = "operatorConfig.jwt"


def operated(url: str, *pods: Pod) -> Desired:
    found = References(pepper=b"p", secrets={"o": secret("o", {"op.jwt": operator_jwt(url)})})
    made = desired(OPERATED, pods=pods, references=found)
    assert made is not None
    assert made.waiting == ()
    return made


def changes(made: Desired, server: Pod) -> tuple[str, ...]:
    stamp = server.metadata.annotation("nats.io/revision")
    return changed_fields(stamp, made.revision, "2.12.15")


class TestOperatorJwt:
    def test_another_content_restarts_servers(self) -> None:
        server = made_for(operated(""))
        assert changes(operated("", server), server) == ()
        other = operated("https://example.com/jwt/v1/", server)
        assert changes(other, server) == (JWT_PATH,)
        assert not reloadable(JWT_PATH, other.target.version)

    def test_servers_of_an_earlier_natsctl_are_not_restarted_but_noted(self) -> None:
        made = msgspec.to_builtins(made_for(operated("")))
        stamp = json.loads(made["metadata"]["annotations"]["nats.io/revision"])
        old = json.dumps({k: v for k, v in stamp.items() if k != JWT_PATH})
        made["metadata"]["annotations"]["nats.io/revision"] = old
        server = msgspec.convert(made, Pod)
        now = operated("", server)
        assert changes(now, server) == ()
        text = noted(old, now.revision)
        assert text is not None
        assert json.loads(text) == now.revision
        assert noted(text, now.revision) is None
        assert noted(None, now.revision) is None


def test_a_tag_that_names_no_release_is_remarked_on() -> None:
    found = desired({"size": 1, "version": "latest"})
    assert found is not None
    assert "latest" in found.advice
    assert "spec.serverVersion" in found.advice
