"""A small client of the API server, for the testbed's own needs."""

from __future__ import annotations

import http.client
import json
import ssl
from contextlib import closing
from typing import TYPE_CHECKING, Any

from testbed import certificates, namespaces
from testbed.layout import API_PORT, BRIDGE_ADDRESS, Testbed, TestbedError

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 5.0


def request(
    testbed: Testbed, method: str, path: str, body: object = None
) -> tuple[int, dict[str, Any]]:
    """The status and the decoded answer; an answer that is no JSON comes as {"text": ...}."""
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    with closing(_connected(testbed)) as connection:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": kind})
        answer = connection.getresponse()
        return answer.status, _decoded(answer.read())


def watch(testbed: Testbed, path: str) -> Iterator[dict[str, Any]]:
    """The events of a collection, first one per object there is; the server may end it."""
    with closing(_connected(testbed)) as connection:
        connection.request("GET", f"{path}?watch=1")
        answer = connection.getresponse()
        # An idle watch is silent for longer than any other request may take.
        connection.sock.settimeout(None)
        for line in answer:
            yield json.loads(line)


def _connected(testbed: Testbed) -> http.client.HTTPSConnection:
    connection = http.client.HTTPSConnection(BRIDGE_ADDRESS, API_PORT)
    connection.sock = _tls(testbed)
    return connection


def _tls(testbed: Testbed) -> ssl.SSLSocket:
    context = ssl.create_default_context(
        cafile=str(certificates.certificate(testbed, certificates.AUTHORITY))
    )
    admin = certificates.ADMIN
    context.load_cert_chain(
        certificates.certificate(testbed, admin), certificates.key(testbed, admin)
    )
    plain = namespaces.connect(
        testbed, namespaces.CONTROL_PLANE, (BRIDGE_ADDRESS, API_PORT), SECONDS
    )
    return context.wrap_socket(plain, server_hostname=BRIDGE_ADDRESS)


def _decoded(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except ValueError:
        return {"text": content.decode(errors="replace")}
    return value if isinstance(value, dict) else {"value": value}


def create(testbed: Testbed, path: str, item: dict[str, Any]) -> None:
    """Create an object; raises TestbedError if the API server refuses it."""
    status, answer = request(testbed, "POST", path, item)
    if status not in (201, 409):
        raise TestbedError(f"POST {path}: {status} {answer.get('message', answer)}")


def patch(testbed: Testbed, path: str, change: dict[str, Any]) -> None:
    """Merge a change into an object; raises TestbedError if the API server refuses it."""
    status, answer = request(testbed, "PATCH", path, change)
    if status != 200:
        raise TestbedError(f"PATCH {path}: {status} {answer.get('message', answer)}")


def answers(testbed: Testbed, path: str) -> bool:
    """Whether a GET gives 200."""
    try:
        return request(testbed, "GET", path)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def node_ready(testbed: Testbed, name: str) -> bool:
    """Whether the node's condition Ready is True."""
    try:
        status, node = request(testbed, "GET", f"/api/v1/nodes/{name}")
    except (OSError, http.client.HTTPException):
        return False
    conditions = node.get("status", {}).get("conditions", []) if status == 200 else []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
