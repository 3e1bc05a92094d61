"""What is used of kubernetes_asyncio, imported around its `__init__`: that loads all 800 models.

Taken from it: finding the configuration, credentials and their refresh, the TLS session. Not
taken: its generated models, watch and leader election (docs/design/transport.md). Images of natsctl
leave `client/api` and `client/models` out.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import aiohttp

READ_FROM: Final = "kubernetes_asyncio 36.1.0"


def load() -> types.SimpleNamespace:
    """The used names of kubernetes_asyncio, without its generated models."""
    if "kubernetes_asyncio" not in sys.modules:
        _stub_packages()
    from kubernetes_asyncio.client.api_client import ApiClient
    from kubernetes_asyncio.client.configuration import Configuration

    client = sys.modules["kubernetes_asyncio.client"]
    for exported in (Configuration, ApiClient):
        if not hasattr(client, exported.__name__):
            setattr(client, exported.__name__, exported)
    from kubernetes_asyncio.config import (
        ConfigException,
        load_incluster_config,
        load_kube_config,
    )

    return types.SimpleNamespace(
        ApiClient=ApiClient,
        Configuration=Configuration,
        ConfigException=ConfigException,
        load_incluster_config=load_incluster_config,
        load_kube_config=load_kube_config,
    )


def session_of(client: Any) -> tuple[aiohttp.ClientSession, str | None]:
    """The session that an ApiClient sends by, and the name that its server's certificate has."""
    return client.rest_client.pool_manager, client.rest_client.server_hostname


def _stub_packages() -> None:
    spec = importlib.util.find_spec("kubernetes_asyncio")
    assert spec is not None
    assert spec.submodule_search_locations
    root = spec.submodule_search_locations[0]
    package = _bare("kubernetes_asyncio", root)
    client = _bare("kubernetes_asyncio.client", f"{root}/client")
    models = _bare("kubernetes_asyncio.client.models", f"{root}/client/models")
    package.__dict__["client"] = client
    client.__dict__["models"] = models


def _bare(name: str, path: str) -> types.ModuleType:
    module = sys.modules[name] = types.ModuleType(name)
    module.__path__ = [path]
    return module
