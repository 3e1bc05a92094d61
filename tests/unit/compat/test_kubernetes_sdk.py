"""kubernetes_asyncio as it was when it was read."""

from __future__ import annotations

import inspect
import subprocess
import sys

import aiohttp

from natsctl.compat import kubernetes_sdk
from tests.unit.compat.canary import changed

LOAD = """
import sys
from natsctl.compat import kubernetes_sdk
kubernetes_sdk.load()
print(*sys.modules)
configuration = kubernetes_sdk.load().Configuration(username="me", password="secret")
assert configuration.get_basic_auth_token() == "Basic bWU6c2VjcmV0"
assert "urllib3.util" in sys.modules
"""
UNUSED = {
    "urllib3",
    "multiprocessing.pool",
    "dateutil.parser",
    "kubernetes_asyncio.client.api_client",
}


def test_its_parts_load_without_the_packages_they_are_in() -> None:
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=False)
    stubs = "its modules import each other by other names"
    assert done.returncode == 0, f"{changed(kubernetes_sdk, stubs)}\n{done.stderr}"
    generated = [n for n in done.stdout.split() if n.startswith("kubernetes_asyncio.client.api.")]
    models = [n for n in done.stdout.split() if n.startswith("kubernetes_asyncio.client.models.")]
    assert generated == models == [], changed(kubernetes_sdk, "it loads what it generates")
    assert not UNUSED & {*done.stdout.split()}, changed(kubernetes_sdk, "it loads what is not used")


async def test_a_client_shows_its_session() -> None:
    sdk = kubernetes_sdk.load()
    configuration = sdk.Configuration()
    configuration.tls_server_name = "name"
    client = sdk.RESTClientObject(configuration)
    try:
        session, name = kubernetes_sdk.session_of(client)
        assert isinstance(session, aiohttp.ClientSession), changed(kubernetes_sdk, "the session")
        assert name == "name", changed(kubernetes_sdk, "the name in the server's certificate")
    finally:
        await client.close()


async def test_a_configuration_tells_its_credentials() -> None:
    configuration = kubernetes_sdk.load().Configuration()
    configuration.api_key = {"BearerToken": "Bearer t0ken"}
    found = await configuration.auth_settings()
    value = found["BearerToken"]["value"]
    assert value == "Bearer t0ken", changed(kubernetes_sdk, "how credentials are told")


def test_it_takes_the_environment_and_the_files_that_we_give_it() -> None:
    sdk = kubernetes_sdk.load()
    inside = inspect.signature(sdk.load_incluster_config).parameters
    outside = inspect.signature(sdk.load_kube_config).parameters
    assert {"client_configuration", "environ"} <= {*inside, *_parameters("incluster")}, changed(
        kubernetes_sdk, "arguments of load_incluster_config"
    )
    assert {"config_file", "context", "client_configuration"} <= {*outside}, changed(
        kubernetes_sdk, "arguments of load_kube_config"
    )


def _parameters(name: str) -> tuple[str, ...]:
    """Of the class that `load_incluster_config` hands its keywords to."""
    loader = sys.modules[f"kubernetes_asyncio.config.{name}_config"].InClusterConfigLoader
    return tuple(inspect.signature(loader.__init__).parameters)
