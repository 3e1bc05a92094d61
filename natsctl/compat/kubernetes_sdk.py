"""What is used of kubernetes_asyncio, imported around its `__init__`: that loads all 800 models.

Taken from it: finding the configuration, credentials and their refresh, the TLS session. Not
taken: its generated models, watch and leader election (docs/design/transport.md), and its
ApiClient, which brings thread pools and a parser of dates. Images of natsctl leave `client/api` and
`client/models` out.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import aiohttp

READ_FROM: Final = "kubernetes_asyncio 36.1.0"


class NoApiClient:
    """Never made: the loaders of configurations only name the class of what some of them return."""


def load() -> types.SimpleNamespace:
    """The used names of kubernetes_asyncio, without its generated models."""
    if "kubernetes_asyncio" not in sys.modules:
        _stub_packages()
    with _on_demand("urllib3"):
        from kubernetes_asyncio.client.configuration import Configuration
    from kubernetes_asyncio.client.rest import RESTClientObject

    client = sys.modules["kubernetes_asyncio.client"]
    for name, exported in (("Configuration", Configuration), ("ApiClient", NoApiClient)):
        if not hasattr(client, name):
            setattr(client, name, exported)
    from kubernetes_asyncio.config import (
        ConfigException,
        load_incluster_config,
        load_kube_config,
    )

    return types.SimpleNamespace(
        RESTClientObject=RESTClientObject,
        Configuration=Configuration,
        ConfigException=ConfigException,
        load_incluster_config=load_incluster_config,
        load_kube_config=load_kube_config,
    )


def session_of(client: Any) -> tuple[aiohttp.ClientSession, str | None]:
    """The session that a RESTClientObject sends by, and the name in its server's certificate."""
    return client.pool_manager, client.server_hostname


@contextmanager
def _on_demand(name: str) -> Iterator[None]:
    """What is imported meanwhile gets a module that is imported once something of it is used.

    Configuration has urllib3 (2 MB) for nothing but the header of a password.
    """
    if name in sys.modules:
        yield
        return
    module = sys.modules[name] = types.ModuleType(name)
    module.__dict__["__getattr__"] = lambda attribute: getattr(import_module(name), attribute)
    try:
        yield
    finally:
        del sys.modules[name]


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
