"""What a change of each entry of a revision costs, as fields and what no field tells say it."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.api.effects import PARTS
from natsctl.api.schema.spec_fields import spec_fields
from natsctl.api.version import ServerVersion
from natsctl.render.inputs import ConfigInputs
from natsctl.render.revision.effects import (
    EFFECTS,
    NON_ROLLING,
    ROLLING_IF_DOWN,
    reloadable,
)
from natsctl.render.revision.revision import SEALED, changed_fields, revision, revision_text
from natsctl.render.target import Target
from tests.unit.render.targets import TARGETS

NEWEST = ServerVersion.parse("2.14.10")
# "Stamped": its path is in the revision. "Reloaded": servers take it up, maybe from a release on.
# "Waits": no server that serves restarts for it.
FIELDS = """
size
version
serverImage stamped
serverVersion stamped waits
natsConfig.debug stamped reloaded
natsConfig.trace stamped reloaded
natsConfig.write_deadline stamped reloaded
natsConfig.maxConnections stamped reloaded
natsConfig.maxPayload stamped reloaded
natsConfig.maxPending stamped
natsConfig.maxSubscriptions stamped
natsConfig.maxControlLine stamped reloaded
natsConfig.disableLogtime stamped reloaded
useServerName
paused
lameDuckDurationSeconds stamped
noAdvertise stamped
extraRoutes stamped reloaded waits
clusterName
template stamped
servicePolicy.labels
servicePolicy.annotations
managementServicePolicy.labels
managementServicePolicy.annotations
pod.labels stamped
pod.annotations stamped
pod.nodeSelector stamped
pod.antiAffinity stamped
pod.tolerations stamped
pod.resources stamped
pod.natsEnv stamped
pod.volumeMounts stamped
pod.enableConfigReload stamped
pod.reloaderImage stamped
pod.reloaderImageTag stamped
pod.reloaderImagePullPolicy stamped
pod.reloaderResources stamped
pod.enableMetrics stamped
pod.metricsImage stamped
pod.metricsImageTag stamped
pod.metricsImagePullPolicy stamped
pod.enableClientsHostPort stamped
pod.disableGatewaysHostPort stamped
pod.disableLeafnodesHostPort stamped
pod.disableWebsocketsHostPort
pod.advertiseExternalIP stamped
pod.advertiseInternalIP stamped
pod.platformAssignedIds stamped
pod.bootconfigImage stamped
pod.bootconfigImageTag stamped
tls.serverSecret stamped
tls.serverSecretCAFileName stamped reloaded
tls.serverSecretCertFileName stamped reloaded
tls.serverSecretKeyFileName stamped reloaded
tls.clientsTLSTimeout stamped reloaded
tls.routesSecret stamped
tls.routesSecretCAFileName stamped reloaded
tls.routesSecretCertFileName stamped reloaded
tls.routesSecretKeyFileName stamped reloaded
tls.routesTLSTimeout stamped reloaded
tls.gatewaySecret stamped
tls.gatewaySecretCAFileName stamped reloaded
tls.gatewaySecretCertFileName stamped reloaded
tls.gatewaySecretKeyFileName stamped reloaded
tls.gatewaysTLSTimeout stamped
tls.leafnodeSecret stamped
tls.leafnodeSecretCAFileName stamped reloaded
tls.leafnodeSecretCertFileName stamped reloaded
tls.leafnodeSecretKeyFileName stamped reloaded
tls.leafnodesTLSTimeout stamped
tls.websocketSecret stamped
tls.websocketSecretCAFileName stamped reloaded
tls.websocketSecretCertFileName stamped reloaded
tls.websocketSecretKeyFileName stamped reloaded
tls.websocketTLSTimeout stamped reloaded
tls.enableHttps stamped
tls.verify stamped reloaded
tls.leafnodeVerify stamped
tls.websocketVerify stamped
tls.cipherSuites stamped reloaded
tls.curvePreferences stamped reloaded
auth.enableServiceAccounts stamped reloaded
auth.clientsAuthSecret stamped reloaded
auth.clientsAuthFile stamped
auth.clientsAuthTimeout stamped reloaded
auth.tlsVerifyAndMap stamped
auth.clusterAuthSecret
auth.clusterAuthTimeout stamped reloaded
auth.gatewayAuthSecret
auth.gatewayAuthTimeout stamped
auth.allowStaticUsers
auth.serviceAccountTokenSeconds
gatewayConfig.name stamped
gatewayConfig.hostPort stamped
gatewayConfig.rejectUnknown stamped
gatewayConfig.gateways stamped
leafnodeConfig.hostPort stamped
leafnodeConfig.remotes stamped 2.14
operatorConfig.secret stamped
operatorConfig.systemAccount stamped
operatorConfig.resolver stamped
operatorConfig.resolverPreload stamped reloaded
websocketConfig.port stamped
websocketConfig.handshakeTimeout stamped
websocketConfig.compression stamped
websocketConfig.no_tls stamped
networkPolicy.enabled
networkPolicy.clientsFrom
networkPolicy.monitoringFrom
networkPolicy.routesFrom
networkPolicy.gatewaysFrom
networkPolicy.leafnodesFrom
rollout.paused
serverTags stamped reloaded
serverTagsFromNode stamped
jetstream.domain stamped
jetstream.fileStore.pvc.size
jetstream.fileStore.pvc.storageClassName
jetstream.fileStore.volumeClaimTemplate
jetstream.fileStore.maxSize reloaded
jetstream.fileStore.resizePolicy
jetstream.fileStore.growth.maxSize
jetstream.fileStore.growth.thresholdPercent
jetstream.fileStore.growth.stepPercent
jetstream.memoryStore.maxSize stamped reloaded
jetstream.encryption.secret
jetstream.encryption.key
jetstream.encryption.cipher stamped
jetstream.uniqueTag stamped
jetstream.limits.maxAckPending stamped 2.15
jetstream.limits.maxHaAssets stamped 2.15
jetstream.limits.maxRequestBatch stamped 2.15
jetstream.limits.duplicateWindow stamped 2.15
jetstream.syncInterval stamped
persistentVolumeClaimRetentionPolicy.whenDeleted
persistentVolumeClaimRetentionPolicy.whenScaled
"""


def row(path: str) -> str:
    effect = spec_fields()[path].effect
    said = {
        "stamped": effect.reaches and not effect.entry,
        "reloaded": reloadable(path, ServerVersion.parse("2.13.0")),
        "2.14": not reloadable(path, ServerVersion.parse("2.13.0")) and reloadable(path, NEWEST),
        "2.15": not reloadable(path, NEWEST) and reloadable(path, ServerVersion.parse("2.15.3")),
        "waits": path in NON_ROLLING,
    }
    return " ".join([path, *(word for word, holds in said.items() if holds)])


def test_of_every_field() -> None:
    paths = [path for path, field in spec_fields().items() if field.effect != PARTS]
    assert [row(path) for path in paths] == FIELDS.strip().splitlines()


def test_no_two_fields_of_one_entry_say_different_things() -> None:
    for path, field in spec_fields().items():
        if field.effect.reaches:
            assert EFFECTS[field.effect.entry or path].cost == field.effect.cost


@given(TARGETS, TARGETS, st.sampled_from(["", "t"]))
def test_of_whatever_a_revision_may_tell(one: Target, other: Target, token: str) -> None:
    inputs = ConfigInputs(
        authorization={"token": token, "users": [{"username": "a"}]},
        system="U" + "A" * 55,
        sealed=dict.fromkeys(SEALED, "1"),
    )
    full = attrs.evolve(other, inputs=inputs)
    changed = changed_fields(revision_text(revision(one)), revision(full))
    assert set(changed) <= set(EFFECTS)


@pytest.mark.parametrize(
    "path",
    ["auth.users", "auth.routes", "natsConfig.debug", "tls.certificates", "tls.verify",
     "tls.gatewaySecretCAFileName", *(NON_ROLLING - ROLLING_IF_DOWN)],
)  # fmt: skip
def test_some_entries_are_reloaded(path: str) -> None:
    assert reloadable(path, NEWEST)


@pytest.mark.parametrize(
    "path",
    ["version", "template", "pod.labels", "natsConfig.maxPending", "auth.gateways", "auth.token",
     "tls.serverSecret", "gatewayConfig.gateways", "operatorConfig.jwt", "auth", "auth.leafnodes",
     "takeover", "unheard.of"],
)  # fmt: skip
def test_the_rest_takes_a_restart(path: str) -> None:
    assert not reloadable(path, NEWEST)
    assert path not in NON_ROLLING


@pytest.mark.parametrize(("version", "does"), [("2.12.15", False), ("2.14.0", True)])
def test_hubs_are_reloaded_from_some_release_on(version: str, does: bool) -> None:
    assert reloadable("leafnodeConfig.remotes", ServerVersion.parse(version)) is does


def test_servers_that_are_down_may_need_to_know_their_release() -> None:
    assert {"serverVersion"} == ROLLING_IF_DOWN
