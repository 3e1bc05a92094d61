import pytest

from natsctl.api.version import ServerVersion
from natsctl.render.revision.reloadable import reloadable
from natsctl.render.revision.revision import NON_ROLLING, RELEASE

NEWEST = ServerVersion.parse("2.14.10")


@pytest.mark.parametrize(
    "path",
    ["auth.users", "auth.routes", "natsConfig.debug", "tls.certificates", "tls.verify",
     "tls.gatewaySecretCAFileName", *(NON_ROLLING - {RELEASE})],
)  # fmt: skip
def test_some_fields_are_reloaded(path: str) -> None:
    assert reloadable(path, NEWEST)


@pytest.mark.parametrize(
    "path",
    ["version", "template", "pod.labels", "natsConfig.maxPending", "auth.gateways", "auth.token",
     "tls.serverSecret", "gatewayConfig.gateways", "unheard.of"],
)  # fmt: skip
def test_the_rest_takes_a_restart(path: str) -> None:
    assert not reloadable(path, NEWEST)


@pytest.mark.parametrize(("version", "does"), [("2.12.15", False), ("2.14.0", True)])
def test_hubs_are_reloaded_from_some_release_on(version: str, does: bool) -> None:
    assert reloadable("leafnodeConfig.remotes", ServerVersion.parse(version)) is does
