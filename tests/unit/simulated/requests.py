"""Requests to the API server in memory, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import msgspec

from natsctl.kube.errors import ApiError, Transient, error_of
from natsctl.kube.resources import ACCOUNTS_METADATA, NAMESPACES_METADATA
from natsctl.kube.transport import READ_TIMEOUT
from tests.unit.kube.kinds import BY_KIND

NEVER = 1e6
"""Seconds after which no test looks any more."""
Where = tuple[str, str, str]
"""Kind, namespace and name."""
KINDS = {**BY_KIND, "ServiceAccount": ACCOUNTS_METADATA, "Namespace": NAMESPACES_METADATA}
BY_PLURAL = {resource.plural: kind for kind, resource in KINDS.items()}


@attrs.frozen
class Request:
    """One request, as a plan sees it. `name` is that of a new object, too."""

    method: str
    kind: str
    namespace: str
    name: str
    part: str
    params: Mapping[str, str]
    body: Any = None
    content_type: str = ""
    seconds: float = READ_TIMEOUT
    """What it may take."""

    @property
    def writes(self) -> bool:
        """Whether it changes something; a dry run does not."""
        options = self.body if self.method == "DELETE" and self.body else {}
        return self.method != "GET" and "dryRun" not in {**self.params, **options}

    @property
    def where(self) -> Where:
        """The object that it is about."""
        return self.kind, self.namespace, self.name

    def __str__(self) -> str:
        part = f"/{self.part}" if self.part else ""
        return f"{self.method} {self.kind} {self.namespace}/{self.name}{part}"


@attrs.frozen
class Fate:
    """What becomes of a request: seconds there, until it is done, and back; and what it meets.

    `refused` comes instead of the work; `lost` comes instead of the answer, when the work is done.
    """

    there: float = 0.01
    work: float = 0.0
    back: float = 0.01
    refused: ApiError | None = None
    lost: ApiError | None = None


Plan = Callable[[Request], Fate]


def well(_: Request) -> Fate:
    """Nothing goes wrong."""
    return Fate()


def refusal(status: int, reason: str, message: str, retry_after: str | None = None) -> ApiError:
    """An error as natsctl reads it from the answer."""
    body = {"kind": "Status", "status": "Failure", "reason": reason, "message": message}
    return error_of(status, msgspec.json.encode(body), retry_after)


def lost_reply() -> ApiError:
    """The connection ended before the answer came."""
    return Transient(0, "ConnectionLost", "ClientOSError: reset")


def understood(
    method: str,
    path: str,
    params: Mapping[str, str] | None = None,
    body: bytes | None = None,
    content_type: str = "",
    timeout: float = READ_TIMEOUT,
    **_: Any,
) -> Request:
    """What a request asks for."""
    sent = msgspec.json.decode(body) if body else None
    parts = path.strip("/").split("/")
    namespace = ""
    if "namespaces" in parts[:-1] and len(parts) > parts.index("namespaces") + 2:
        namespace, *parts = parts[parts.index("namespaces") + 1 :]
    plural = next(part for part in parts if part in BY_PLURAL)
    rest = parts[parts.index(plural) + 1 :]
    named = rest[0] if rest else ((sent or {}).get("metadata") or {}).get("name", "")
    part = rest[1] if len(rest) > 1 else ""
    return Request(
        method, BY_PLURAL[plural], namespace, named, part, params or {}, sent, content_type, timeout
    )
