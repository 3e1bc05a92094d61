"""Every field of a NatsCluster says what a change of it costs."""

import pytest
from attrs import frozen

from natsctl.api.effects import NONE, PARTS, RESTART, Effect
from natsctl.api.fields import described
from natsctl.api.parse import parse_spec
from natsctl.api.schema.spec_fields import fields_with_effects, spec_fields

# Where each counts, if not everywhere: with all of, with any of, with none of these.
BESIDE = """
pod.reloaderImage                   pod.enableConfigReload
pod.reloaderImageTag                pod.enableConfigReload
pod.reloaderImagePullPolicy         pod.enableConfigReload
pod.reloaderResources               pod.enableConfigReload
pod.metricsImage                    pod.enableMetrics
pod.metricsImageTag                 pod.enableMetrics
pod.metricsImagePullPolicy          pod.enableMetrics
pod.disableGatewaysHostPort         gatewayConfig.hostPort !pod.advertiseExternalIP
pod.disableLeafnodesHostPort        leafnodeConfig.hostPort !pod.advertiseExternalIP
pod.advertiseInternalIP             pod.advertiseExternalIP
pod.bootconfigImage                 ?pod.advertiseExternalIP ?serverTagsFromNode
pod.bootconfigImageTag              ?pod.advertiseExternalIP ?serverTagsFromNode
tls.serverSecretCAFileName          tls.serverSecret
tls.serverSecretCertFileName        tls.serverSecret
tls.serverSecretKeyFileName         tls.serverSecret
tls.clientsTLSTimeout               tls.serverSecret
tls.routesSecretCAFileName          tls.routesSecret
tls.routesSecretCertFileName        tls.routesSecret
tls.routesSecretKeyFileName         tls.routesSecret
tls.routesTLSTimeout                tls.routesSecret
tls.gatewaySecretCAFileName         tls.gatewaySecret
tls.gatewaySecretCertFileName       tls.gatewaySecret
tls.gatewaySecretKeyFileName        tls.gatewaySecret
tls.gatewaysTLSTimeout              tls.gatewaySecret
tls.leafnodeSecretCAFileName        tls.leafnodeSecret
tls.leafnodeSecretCertFileName      tls.leafnodeSecret
tls.leafnodeSecretKeyFileName       tls.leafnodeSecret
tls.leafnodesTLSTimeout             tls.leafnodeSecret
tls.websocketSecretCAFileName       tls.websocketSecret
tls.websocketSecretCertFileName     tls.websocketSecret
tls.websocketSecretKeyFileName      tls.websocketSecret
tls.websocketTLSTimeout             tls.websocketSecret
tls.enableHttps                     tls.serverSecret
tls.verify                          tls.serverSecret
tls.leafnodeVerify                  tls.leafnodeSecret
tls.websocketVerify                 tls.websocketSecret
tls.cipherSuites                    tls.serverSecret
tls.curvePreferences                tls.serverSecret
auth.clientsAuthFile                !auth.enableServiceAccounts !auth.clientsAuthSecret
auth.clientsAuthTimeout             ?auth.enableServiceAccounts ?auth.clientsAuthSecret
auth.clusterAuthTimeout             auth.clusterAuthSecret
auth.gatewayAuthTimeout             auth.gatewayAuthSecret gatewayConfig
gatewayConfig.name                  gatewayConfig.name
gatewayConfig.hostPort              gatewayConfig.name
gatewayConfig.rejectUnknown         gatewayConfig.name
gatewayConfig.gateways              gatewayConfig.name
operatorConfig.systemAccount        operatorConfig.secret
operatorConfig.resolver             operatorConfig.secret
operatorConfig.resolverPreload      operatorConfig.secret
websocketConfig.port                websocketConfig.port
websocketConfig.handshakeTimeout    websocketConfig.port
websocketConfig.compression         websocketConfig.port
websocketConfig.no_tls              websocketConfig.port
"""


def beside(effect: Effect) -> str:
    others = [*(f"?{path}" for path in effect.any_of), *(f"!{path}" for path in effect.none_of)]
    return " ".join([*effect.all_of, *others])


def test_every_field_says_what_a_change_costs() -> None:
    assert len(spec_fields()) > 100


def test_one_that_does_not_is_found() -> None:
    @frozen
    class Careless:
        """Somebody forgot."""

        first: bool = described("Said.", default=False, effect=NONE)
        second: bool = described("Not said.", default=False)

    @frozen
    class Spec:
        """Around it."""

        block: Careless | None = described("A block.", default=None, effect=PARTS)

    with pytest.raises(TypeError, match=r"^block\.second does not say what a change of it costs"):
        list(fields_with_effects(Spec))


def test_a_block_leaves_it_to_its_fields() -> None:
    @frozen
    class Block:
        """With one field."""

        field: bool = described("Said.", default=False, effect=NONE)

    @frozen
    class Spec:
        """Around it."""

        block: Block | None = described("A block.", default=None, effect=RESTART)

    @frozen
    class Other:
        """No block, and yet declared as one."""

        field: bool = described("Said.", default=False, effect=PARTS)

    for wrong in (Spec, Other):
        with pytest.raises(TypeError):
            list(fields_with_effects(wrong))


def test_where_fields_count() -> None:
    found = {path: beside(field.effect) for path, field in spec_fields().items()}
    table = dict(line.split(maxsplit=1) for line in BESIDE.strip().splitlines())
    assert {path: others for path, others in found.items() if others} == table


def test_they_count_beside_fields_that_there_are() -> None:
    others = {
        other
        for field in spec_fields().values()
        for other in (*field.effect.all_of, *field.effect.any_of, *field.effect.none_of)
    }
    assert others <= set(spec_fields())


def test_a_value_is_found_by_its_path() -> None:
    spec = parse_spec({"size": 1, "gatewayConfig": {"hostPort": 7522}})
    assert spec_fields()["gatewayConfig.hostPort"].value(spec) == 7522
    assert spec_fields()["size"].value(spec) == 1
    assert spec_fields()["tls.serverSecret"].value(spec) is None
