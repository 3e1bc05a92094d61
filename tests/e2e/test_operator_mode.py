"""Accounts that a NATS operator signed, in the servers' memory or on a web server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.e2e import images
from tests.e2e.certificates import opaque
from tests.e2e.client import passes, user
from tests.e2e.clusters import NEXT, Cluster
from tests.e2e.jwts import Tree
from tests.e2e.kubectl import Json, Kubectl, until

Apply = Callable[..., Cluster]
PATH = "/jwt/v1/accounts/"
pytestmark = pytest.mark.usefixtures("reaches_pods")
VERSIONS = pytest.mark.parametrize("version", ["2.9.25", NEXT])


def trusting(tree: Tree, **resolver: Any) -> Json:
    """operatorConfig of a cluster that trusts an operator."""
    return {"secret": "operator", "systemAccount": tree.system.public, **resolver}


@contextmanager
def account_server(accounts: Mapping[str, str], towards: str) -> Iterator[str]:
    """Serves JWTs where `towards` is reached from; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = accounts.get(self.path.removeprefix(PATH), "")
            self.send_response(200 if found or self.path == PATH else 404)
            self.end_headers()
            self.wfile.write(found.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((towards, 1))
        here = probe.getsockname()[0]
    with ThreadingHTTPServer((here, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{here}:{server.server_port}{PATH}"
        finally:
            server.shutdown()
            thread.join()


@VERSIONS
def test_accounts_in_memory(cluster: Apply, namespace: Kubectl, version: str) -> None:
    """Users of the account get in at every server; those of another operator do not."""
    tree = Tree()
    namespace.apply(opaque("operator", {"op.jwt": tree.operator_jwt}))
    config = trusting(tree, resolver="MEMORY", resolverPreload=tree.accounts)
    found = cluster("a", size=2, version=version, operatorConfig=config).ready()
    found.meshed(2, version)
    passes(user(found, "a-1", login=tree.login), user(found, "a-2", login=tree.login))
    assert not user(found).gets_in()
    assert not user(found, login=Tree().login).gets_in()


def test_a_further_account_takes_no_restart(cluster: Apply, namespace: Kubectl) -> None:
    """A reloader signals servers that have no account of the operator's."""
    tree = Tree()
    later = Tree(tree.operator, tree.system)
    namespace.apply(opaque("operator", {"op.jwt": tree.operator_jwt}))
    config = trusting(tree, resolver="MEMORY", resolverPreload=tree.accounts)
    repository, tag = images.reloader()
    pod = {"enableConfigReload": True, "reloaderImage": repository, "reloaderImageTag": tag}
    found = cluster("a", size=1, version=NEXT, operatorConfig=config, pod=pod).ready()
    before = found.uids()
    assert not user(found, login=later.login).gets_in()
    with user(found, login=tree.login).connected() as stays:
        found.patch(operatorConfig={"resolverPreload": later.accounts})
        until("the new account is known", user(found, login=later.login).gets_in, 90)
        stays.send("")
        assert stays.until_pong() == []
    found.ready()
    assert found.uids() == before


@VERSIONS
def test_accounts_on_a_web_server(cluster: Apply, namespace: Kubectl, version: str) -> None:
    """An account that is new there is found without any change of the NatsCluster."""
    tree = Tree()
    later = Tree(tree.operator, tree.system)
    accounts = dict(tree.accounts)
    namespace.apply(opaque("operator", {"op.jwt": tree.operator_jwt}))
    (node,) = namespace.list("nodes")[:1]
    towards = node["status"]["addresses"][0]["address"]
    with account_server(accounts, towards) as url:
        config = trusting(tree, resolver=f"URL({url})")
        found = cluster("a", size=1, version=version, operatorConfig=config).ready()
        assert found.config()["resolver"] == f"URL({url})"
        assert user(found, login=tree.login).reaches("anything")
        assert not user(found, login=later.login).gets_in()
        accounts |= later.accounts
        until("the new account is found", user(found, login=later.login).gets_in, 30)
