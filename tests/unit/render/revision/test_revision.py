import json
from typing import Any

import attrs
import pytest
from hypothesis import given

from natsctl.api.version import ServerVersion
from natsctl.render.inputs import ConfigInputs
from natsctl.render.revision.effects import NON_ROLLING, reloadable
from natsctl.render.revision.revision import (
    changed_fields,
    resealed,
    revision,
    revision_text,
    running_joined,
    running_named,
    stamp_of,
    with_previous_config,
)
from natsctl.render.revision.system_stamp import SystemStamp
from natsctl.render.target import Target
from tests.unit.api.strategies import valid_specs
from tests.unit.render.targets import TARGETS, target


def text(**fields: Any) -> str:
    return revision_text(revision(target(**fields)))


def changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    return changed_fields(text(**before), revision(target(**after)))


def test_of_a_plain_cluster_only_the_version_counts() -> None:
    assert set(revision(target())) == {"version", "cluster.name", "system"}
    assert set(revision(target(version="2.0.0"))) == {"version", "system"}


def test_a_pod_with_an_earlier_configuration_differs_from_every_revision() -> None:
    now = revision(target())
    assert changed_fields(with_previous_config(revision_text(now)), now) == ("held",)
    assert reloadable("held", target().version)
    assert changed_fields(with_previous_config("nonsense"), now)


STORED = (
    '{"cluster.name":"fcbcf16590","extraRoutes":"22758f31af","natsConfig.debug":"b5bea41b6c",'
    '"natsConfig.write_deadline":"01f0a2afd4","pod.labels":"57e512a1ff",'
    '"pod.tolerations":"c92f95d054","serverImage":"86fdd750a8","system":"fcbcf16590","template":"65901f352e",'
    '"version":"93f10ab442"}'
)


# Hashes are stored in pods: one that changed would restart every server at an upgrade.
def test_hashes_never_change() -> None:
    everything = target(
        version="2.9.25",
        serverImage="registry/nats",
        natsConfig={"debug": True, "write_deadline": "10s"},
        extraRoutes=[{"cluster": "a"}, {"route": "nats://h:1"}],
        template={"spec": {"containers": [{"name": "nats", "stdin": True}]}},
        pod={"labels": {"a": "\u00e9"}, "tolerations": [{"key": "k"}]},
    )
    assert revision_text(revision(everything)) == STORED


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"version": "2.9.25"}, "version"),
        ({"serverImage": "mine"}, "serverImage"),
        ({"noAdvertise": True}, "noAdvertise"),
        ({"lameDuckDurationSeconds": 60}, "lameDuckDurationSeconds"),
        ({"template": {"spec": {"priorityClassName": "high"}}}, "template"),
        ({"extraRoutes": [{"cluster": "a"}]}, "extraRoutes"),
        ({"natsConfig": {"debug": True}}, "natsConfig.debug"),
        ({"natsConfig": {"write_deadline": "5s"}}, "natsConfig.write_deadline"),
        ({"natsConfig": {"disableLogtime": True}}, "natsConfig.disableLogtime"),
        ({"pod": {"labels": {"a": "b"}}}, "pod.labels"),
        ({"pod": {"annotations": {"a": "b"}}}, "pod.annotations"),
        ({"pod": {"nodeSelector": {"a": "b"}}}, "pod.nodeSelector"),
        ({"pod": {"antiAffinity": True}}, "pod.antiAffinity"),
        ({"pod": {"tolerations": [{}]}}, "pod.tolerations"),
        ({"pod": {"resources": {"limits": {"cpu": 1}}}}, "pod.resources"),
        ({"pod": {"natsEnv": [{"name": "A"}]}}, "pod.natsEnv"),
        ({"pod": {"volumeMounts": [{"name": "a"}]}}, "pod.volumeMounts"),
        ({"pod": {"enableClientsHostPort": True}}, "pod.enableClientsHostPort"),
        ({"pod": {"enableConfigReload": True}}, "pod.enableConfigReload"),
        ({"pod": {"enableMetrics": True}}, "pod.enableMetrics"),
        ({"pod": {"advertiseExternalIP": True}}, "pod.advertiseExternalIP"),
        ({"tls": {"serverSecret": "s"}}, "tls.serverSecret"),
        ({"auth": {"enableServiceAccounts": True}}, "auth.enableServiceAccounts"),
        ({"auth": {"clientsAuthSecret": "s"}}, "auth.clientsAuthSecret"),
        ({"auth": {"clientsAuthFile": "f"}}, "auth.clientsAuthFile"),
        ({"auth": {"tlsVerifyAndMap": True}}, "auth.tlsVerifyAndMap"),
        ({"leafnodeConfig": {"hostPort": 1}}, "leafnodeConfig.hostPort"),
        ({"leafnodeConfig": {"remotes": [{"url": "nats://h"}]}}, "leafnodeConfig.remotes"),
        ({"websocketConfig": {"port": 1}}, "websocketConfig.port"),
        ({"operatorConfig": {"secret": "s"}}, "operatorConfig.secret"),
    ],
)
def test_a_change_is_named_by_its_path(fields: dict[str, Any], path: str) -> None:
    assert changes({}, fields) == (path,)
    assert changes(fields, {}) == (path,)
    assert changes(fields, fields) == ()


ENCRYPTED = {"serverSecret": "s", "routesSecret": "r"}
GATEWAY = {"name": "g", "hostPort": 1}


@pytest.mark.parametrize(
    ("base", "change", "path"),
    [
        ({"tls": ENCRYPTED}, {"verify": True}, "tls.verify"),
        ({"tls": ENCRYPTED}, {"enableHttps": True}, "tls.enableHttps"),
        ({"tls": ENCRYPTED}, {"routesTLSTimeout": 5}, "tls.routesTLSTimeout"),
        ({"tls": ENCRYPTED}, {"routesSecretCAFileName": "x"}, "tls.routesSecretCAFileName"),
        (
            {"auth": {"clientsAuthSecret": "s"}},
            {"clientsAuthTimeout": 5},
            "auth.clientsAuthTimeout",
        ),
        (
            {"auth": {"clusterAuthSecret": "s"}},
            {"clusterAuthTimeout": 5},
            "auth.clusterAuthTimeout",
        ),
        (
            {"auth": {"gatewayAuthSecret": "s"}, "gatewayConfig": GATEWAY},
            {"gatewayAuthTimeout": 5},
            "auth.gatewayAuthTimeout",
        ),
        (
            {"pod": {"enableConfigReload": True}},
            {"reloaderImageTag": "1"},
            "pod.reloaderImageTag",
        ),
        ({"pod": {"enableMetrics": True}}, {"metricsImage": "m"}, "pod.metricsImage"),
        ({"pod": {"advertiseExternalIP": True}}, {"bootconfigImage": "b"}, "pod.bootconfigImage"),
        (
            {"pod": {}, "gatewayConfig": GATEWAY},
            {"disableGatewaysHostPort": True},
            "pod.disableGatewaysHostPort",
        ),
        (
            {"pod": {}, "leafnodeConfig": {"hostPort": 1}},
            {"disableLeafnodesHostPort": True},
            "pod.disableLeafnodesHostPort",
        ),
        ({"gatewayConfig": GATEWAY}, {"rejectUnknown": True}, "gatewayConfig.rejectUnknown"),
        ({"websocketConfig": {"port": 1}}, {"compression": True}, "websocketConfig.compression"),
        ({"operatorConfig": {"secret": "s"}}, {"resolver": "MEMORY"}, "operatorConfig.resolver"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_only_counts_beside_another_field_counts_there(
    base: dict[str, Any], change: dict[str, Any], path: str
) -> None:
    block = next(iter(base))
    assert changes(base, {**base, block: {**base[block], **change}}) == (path,)
    alone = {block: change}
    assert changes({}, alone) == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"size": 5},
        {"paused": True},
        {"version": "2.15.3"},
        {"version": "v2.15.3"},
        {"serverImage": "nats"},
        {"useServerName": True},
        {"natsConfig": {"debug": False, "maxPayload": 0}},
        {"pod": {"labels": {}, "antiAffinity": False, "metricsImage": "m"}},
        {"servicePolicy": {"labels": {"a": "b"}}},
        {"managementServicePolicy": {"annotations": {"a": "b"}}},
        {"template": {}},
        {"networkPolicy": {"clientsFrom": [{"podSelector": {}}]}},
    ],
)
def test_what_reaches_no_server_is_no_change(fields: dict[str, Any]) -> None:
    assert changes({}, fields) == ()


def test_the_version_is_named_first() -> None:
    fields = {"version": "2.9.25", "noAdvertise": True, "natsConfig": {"trace": True}}
    assert changes({}, fields) == ("version", "natsConfig.trace", "noAdvertise")


def test_no_server_restarts_for_its_routes_or_for_what_natsctl_needs_to_know() -> None:
    others = {"serverVersion", "auth.system", "auth.connectionTypes"}
    assert {"extraRoutes", "routes", *others} == NON_ROLLING


@pytest.mark.parametrize("annotation", [None, "", "{", "[]", "3", "null"])
def test_without_an_annotation_the_versions_are_compared(annotation: str | None) -> None:
    new = revision(target(version="2.9.25", noAdvertise=True))
    assert changed_fields(annotation, new, "2.9.25") == ()
    assert changed_fields(annotation, new, "2.9.24") == ("version",)
    assert changed_fields(annotation, new) == ("version",)


ROUTES = [{"cluster": "a"}]


@pytest.mark.parametrize(
    ("annotations", "named"),
    [
        ([], None),
        ([None, "{", "{}"], None),
        ([text(version="2.1.9")], None),
        ([text(), None], True),
        ([text(extraRoutes=ROUTES)], False),
        ([text(extraRoutes=ROUTES), text()], True),
        ([text(extraRoutes=ROUTES, named=True)], True),
        ([text(named=False)], False),
    ],
)
def test_running_servers_tell_whether_they_are_named(
    annotations: list[str | None], named: bool | None
) -> None:
    assert running_named(annotations) is named


@pytest.mark.parametrize(
    "annotation",
    [
        '{"cluster.name": ["a"], "cluster.joined": {"a": 1}, "system": [[]], "takeover": 7}',
        '{"version": ' + "[" * 5000 + "]" * 5000 + "}",
        '{"version": "\\ud800"}',
        '{"version": "' + "a" * 100_000 + '"}',
    ],
    ids=["other shapes", "deep", "an unpaired surrogate", "long"],
)
def test_anybody_may_have_edited_the_annotation(annotation: str) -> None:
    assert running_named([annotation]) is None
    assert stamp_of(annotation) == SystemStamp()
    assert running_joined([annotation]) is None
    assert changed_fields(annotation, revision(target())) == ("version",)


def test_running_servers_tell_which_cluster_they_joined() -> None:
    joined = text(extraRoutes=ROUTES, joined="a")
    assert running_joined([None, "{", text(), joined]) == "a"
    assert running_joined([text(), text(extraRoutes=ROUTES)]) is None
    assert running_named([joined]) is False
    # Without the gateway or with a later version they go on under the name that they had, or none.
    gateway = {"name": "gw", "hostPort": 7522}
    assert running_joined([text(extraRoutes=ROUTES, joined="a", gatewayConfig=gateway)]) is None
    assert running_joined([text(extraRoutes=ROUTES, joined="a", version="2.1.9")]) is None
    assert changed_fields(joined, revision(target(extraRoutes=ROUTES))) == ()


def test_the_name_of_running_servers_is_no_change() -> None:
    old, new = text(), revision(target(extraRoutes=ROUTES))
    assert changed_fields(old, new) == ("extraRoutes",)
    assert changed_fields(old, revision(target(named=False))) == ()


def test_a_gateways_name_is_not_the_clusters_own() -> None:
    gateway = {"name": "gw", "hostPort": 7522}
    assert running_named([text(gatewayConfig=gateway)]) is False


KEY = ConfigInputs(system="U" + "A" * 55)


OLD_KEY = attrs.evolve(KEY, account="SYS")
OTHER = attrs.evolve(KEY, system="U" + "B" * 55)
# As earlier versions wrote it: the hash of True or False.
HAD, HAD_NOT = '{"system":"b5bea41b6c"}', '{"system":"fcbcf16590"}'


@pytest.mark.parametrize(
    ("annotation", "account"),
    [
        (None, ""),
        ("{}", ""),
        (text(), ""),
        (text(inputs=KEY), "$SYS"),
        (text(inputs=OLD_KEY), "SYS"),
        (HAD, "SYS"),
        (HAD_NOT, ""),
        ('{"system":"EVIL x y"}', ""),
        ('{"system":7}', ""),
    ],
)
def test_running_servers_tell_in_which_account_they_have_the_operators_user(
    annotation: str | None, account: str
) -> None:
    assert stamp_of(annotation).account == account


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (None, KEY, ("auth.system",)),
        (KEY, None, ("auth.system",)),
        (KEY, OTHER, ("auth.system",)),
        (KEY, KEY, ()),
        (None, None, ()),
        (OLD_KEY, OLD_KEY, ()),
        (OLD_KEY, KEY, ("auth",)),
        (OLD_KEY, None, ("auth",)),
        (None, OLD_KEY, ("auth",)),
    ],
)
def test_the_user_changes_by_a_reload_and_the_name_of_its_account_by_a_restart(
    before: ConfigInputs | None, after: ConfigInputs | None, changed: tuple[str, ...]
) -> None:
    old, new = (
        text(inputs=before or ConfigInputs()),
        revision(target(inputs=after or ConfigInputs())),
    )
    assert changed_fields(old, new) == changed
    assert reloadable("auth.system", ServerVersion.parse("2.9.25"))
    assert not reloadable("auth", ServerVersion.parse("2.14.5"))


def test_servers_with_the_user_of_all_clusters_keep_its_account_and_get_their_own() -> None:
    stamped = json.dumps({**revision(target()), "system": json.loads(HAD)["system"]})
    assert changed_fields(stamped, revision(target(inputs=OLD_KEY))) == ("auth.system",)
    assert changed_fields(stamped, revision(target(inputs=KEY))) == ("auth",)


def test_what_is_sealed_anew_differs_in_seals_only() -> None:
    """And in nothing that a server has yet to take up."""
    sealed = {"auth.users": "old", "tls.certificates": "old", "auth.routes": "gone"}
    fresh = {"auth.users": "new", "tls.certificates": "new"}
    was = attrs.evolve(KEY, sealed=sealed, seal="a")
    now = attrs.evolve(OTHER, sealed=fresh, seal="b")
    annotation = resealed(text(inputs=was), revision(target(inputs=now)))
    assert stamp_of(annotation) == attrs.evolve(stamp_of(text(inputs=was)), seal="b")
    assert changed_fields(annotation, revision(target(inputs=now))) == ("auth.system",)


def test_which_secret_sealed_is_no_change_by_itself() -> None:
    assert changes({"inputs": attrs.evolve(KEY, seal="a")}, {"inputs": KEY}) == ()


@pytest.mark.parametrize(("version", "told"), [("2.9.25", True), ("2.2.6", False)])
def test_a_token_takes_a_restart_where_it_takes_the_system_account_away(
    version: str, told: bool
) -> None:
    auth = {"clientsAuthSecret": "s"}
    shown = target(version=version, auth=auth, inputs=ConfigInputs(authorization={"token": "t"}))
    assert ("auth.token" in revision(shown)) is told
    assert "auth.token" not in revision(target(version=version, auth=auth))


def test_what_secrets_hold_is_told_by_digests_as_they_are() -> None:
    sealed = ConfigInputs(sealed={"auth.users": "123", "routes": "", "tls.certificates": "9"})
    assert revision(target(inputs=sealed)) == revision(target()) | {
        "auth.users": "123",
        "tls.certificates": "9",
    }
    assert changes({}, {"inputs": sealed}) == ("auth.users", "tls.certificates")


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


@given(valid_specs())
def test_the_order_of_keys_makes_no_difference(raw: dict[str, Any]) -> None:
    assert text(**raw) == text(**reversed_keys(raw))


@given(TARGETS, TARGETS)
def test_changes_are_found_exactly_where_revisions_differ(one: Target, other: Target) -> None:
    old, new = revision(one), revision(other)
    assert json.loads(revision_text(old)) == old
    changed = changed_fields(revision_text(old), new)
    differing = {path for path in old | new if old.get(path) != new.get(path)}
    markers = {"cluster.name", "cluster.joined", "system"}
    assert differing - markers == set(changed) - {"auth", "auth.system"}


class TestStreams:
    def test_switching_them_on_restarts_servers(self) -> None:
        before = revision_text(revision(target()))
        changed = changed_fields(before, revision(target(jetstream={})))
        assert changed == ("jetstream", "jetstream.fileStore.maxSize")
        assert not reloadable("jetstream", ServerVersion.parse("2.15.3"))

    def test_so_does_a_cluster_around_one_that_was_alone(self) -> None:
        alone = revision_text(revision(target(size=1, jetstream={})))
        assert changed_fields(alone, revision(target(size=3, jetstream={}))) == ("jetstream",)

    def test_one_server_more_does_not(self) -> None:
        three = revision_text(revision(target(size=3, jetstream={})))
        assert changed_fields(three, revision(target(size=5, jetstream={}))) == ()

    def test_the_limit_is_told_however_it_comes_about(self) -> None:
        """A larger volume, or the same number of bytes in other words."""

        def limited(**store: Any) -> dict[str, str]:
            return revision(target(jetstream={"fileStore": store}))

        usual = revision_text(limited())
        larger = limited(pvc={"size": "20Gi"})
        assert changed_fields(usual, larger) == ("jetstream.fileStore.maxSize",)
        assert changed_fields(usual, limited(maxSize="7Gi")) == ()
        assert changed_fields(usual, limited(maxSize="7168Mi")) == ()

    @pytest.mark.parametrize(("version", "does"), [("2.11.17", False), ("2.12.15", True)])
    def test_a_higher_limit_takes_no_restart(self, version: str, does: bool) -> None:
        for path in ("jetstream.fileStore.maxSize", "jetstream.memoryStore.maxSize"):
            assert reloadable(path, ServerVersion.parse(version)) is does
