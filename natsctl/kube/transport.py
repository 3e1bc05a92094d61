"""HTTP to the API server: the only module that speaks to kubernetes_asyncio.

That is for configuration, credentials and the TLS session alone: its generated models, watch and
leader election cost 30 MiB and have defects an operator cannot live with
(docs/design/transport.md).
"""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import asynccontextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import attrs

from natsctl import __version__
from natsctl.compat import kubernetes_sdk
from natsctl.compat.aiohttp_sockets import use_sockets
from natsctl.kube.errors import Terminal, Transient, error_of
from natsctl.kube.proxies import proxy_for
from natsctl.kube.sockets import open_socket, sending

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from natsctl.kube.fence import Permit
    from natsctl.kube.paths import ApiPath

READ_BUFFER = 2**21
"""Bytes of an answer that may wait to be read."""
READ_TIMEOUT = 20.0
"""Seconds for any call that is not a watch."""
ANSWERED = 0.9
"""Share of a write's time after which the API server gives up as well, and says so."""
MOST_WARNINGS = 32
TOO_LONG = "TooLong"
JSON = "application/json"
PARTIAL = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PARTIAL_LIST = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Objects without anything but their metadata (Kubernetes API concepts)."""


_WARNING = re.compile(r'299 [^\s"]+ "((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


@attrs.frozen
class Response:
    """A successful answer; `warnings` are the API server's own words."""

    status: int
    body: bytes
    warnings: tuple[str, ...] = ()


@attrs.frozen
class Transport:
    """An authenticated session with one API server."""

    session: aiohttp.ClientSession
    configuration: Any
    server_hostname: str | None

    @property
    def host(self) -> str:
        """Host and port of the API server, as metrics name it."""
        return str(self.configuration.host).partition("://")[2]

    async def request(
        self,
        method: str,
        path: ApiPath,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        timeout: float = READ_TIMEOUT,  # noqa: ASYNC109 - enforced here, with all it takes
        accept: str = JSON,
        permit: Permit | None = None,
        most: int | None = None,
    ) -> Response:
        """Send one request; raises an ApiError for every answer but success.

        A write with a permit ends with it: here, in the kernel, and in the API server. `most` are
        the bytes that an answer may have which is not the API server's own.
        """
        seconds = permit.seconds if permit else timeout
        limit = {"timeout": f"{seconds * ANSWERED:.3f}s"} if permit else {}
        try:
            async with asyncio.timeout(seconds):
                headers = await self._headers(content_type if body is not None else None, accept)
                with sending(permit):
                    async with self.session.request(
                        method,
                        self.configuration.host + path,
                        params={**(params or {}), **limit},
                        data=body,
                        headers=headers,
                        server_hostname=self.server_hostname,
                        timeout=aiohttp.ClientTimeout(total=None),
                    ) as reply:
                        content = await _content(reply, most)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _lost(error) from error
        if reply.status >= 400:
            raise error_of(reply.status, content, reply.headers.get("Retry-After"))
        return Response(reply.status, content, warnings_of(reply.headers.getall("Warning", ())))

    @asynccontextmanager
    async def stream(
        self, path: ApiPath, params: Mapping[str, str], silence: float, accept: str = JSON
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a watch; yields chunks of bytes. No byte for `silence` seconds raises Transient.

        Kubernetes 1.37 would compress each event by itself (measured): no gain for short ones, and
        aiohttp before 3.14 reads the first only.
        """
        headers = {**await self._headers(None, accept), "Accept-Encoding": "identity"}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=READ_TIMEOUT, sock_read=silence)
        try:
            async with self.session.get(
                self.configuration.host + path,
                params=params,
                headers=headers,
                server_hostname=self.server_hostname,
                timeout=timeout,
            ) as reply:
                if reply.status >= 400:
                    content = await reply.read()
                    raise error_of(reply.status, content, reply.headers.get("Retry-After"))
                try:
                    yield reply.content.iter_any()
                finally:
                    _hang_up(reply)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _lost(error) from error

    async def _headers(self, content_type: str | None, accept: str) -> dict[str, str]:
        headers = {"User-Agent": f"natsctl/{__version__}", "Accept": accept}
        if content_type:
            headers["Content-Type"] = content_type
        bearer = (await self.configuration.auth_settings()).get("BearerToken")
        if bearer:
            headers["Authorization"] = bearer["value"].strip()
        return headers


def _hang_up(reply: aiohttp.ClientResponse) -> None:
    """End the connection at once: close() would wait 30 s for the other side's end of TLS."""
    if reply.connection and reply.connection.transport:
        reply.connection.transport.abort()


async def _content(reply: aiohttp.ClientResponse, most: int | None) -> bytes:
    """The body; Terminal once it has more bytes than it may."""
    if most is None:
        return await reply.read()
    body = bytearray()
    async for chunk in reply.content.iter_any():
        body += chunk
        if len(body) > most:
            reply.close()
            raise Terminal(0, TOO_LONG, f"the answer has more than {most} bytes")
    return bytes(body)


def warnings_of(headers: Iterable[str]) -> tuple[str, ...]:
    """The texts of some `Warning` headers (RFC 7234), such as `299 - "unknown field ..."`."""
    texts = (warning for header in headers for warning in _WARNING.findall(header))
    return tuple(_ESCAPED.sub(r"\1", text) for text in islice(texts, MOST_WARNINGS))


def _lost(error: Exception) -> Transient:
    return Transient(0, "ConnectionLost", f"{type(error).__name__}: {error}".rstrip(": "))


@asynccontextmanager
async def connect(
    kubeconfig: str | None = None, context: str | None = None
) -> AsyncIterator[Transport]:
    """Connect as configured: `kubeconfig` if given, else from inside a pod.

    Raises ValueError with a readable message when there is no usable configuration.
    """
    sdk = kubernetes_sdk.load()
    configuration = sdk.Configuration()
    configuration.connection_pool_maxsize = 0  # every watch pins one; the client bounds the rest
    try:
        if kubeconfig:
            await sdk.load_kube_config(
                config_file=kubeconfig, context=context, client_configuration=configuration
            )
        else:
            sdk.load_incluster_config(client_configuration=configuration, environ=_addresses())
    except (sdk.ConfigException, OSError) as error:
        raise ValueError(_no_configuration(kubeconfig, error)) from error
    proxy = proxy_for(configuration.host, configuration.proxy)
    client = sdk.RESTClientObject(configuration)
    try:
        made, server_hostname = kubernetes_sdk.session_of(client)
        use_sockets(made, open_socket)
        async with _session(made.connector, proxy) as session:
            yield Transport(session, configuration, server_hostname)
    finally:
        await client.close()


def _session(connector: aiohttp.BaseConnector | None, proxy: str | None) -> aiohttp.ClientSession:
    """A session over the connections of another one, without what that does for each request.

    kubernetes_asyncio has aiohttp look for a proxy in the environment and for credentials in
    ~/.netrc: each time, in two threads. kubectl reads no ~/.netrc.
    """
    return aiohttp.ClientSession(
        connector=connector,
        connector_owner=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        proxy=proxy,
        read_bufsize=READ_BUFFER,
    )


def _addresses() -> dict[str, str]:
    """The environment, with the API server's well-known DNS name where Kubernetes set none."""
    known = {"KUBERNETES_SERVICE_HOST": "kubernetes.default.svc", "KUBERNETES_SERVICE_PORT": "443"}
    return known | {name: os.environ[name] for name in known if os.environ.get(name)}


def _no_configuration(kubeconfig: str | None, error: Exception) -> str:
    if kubeconfig:
        return f"cannot use kubeconfig {kubeconfig}: {error}"
    return f"not inside a pod ({error}); specify a kubeconfig with --kubeconfig"


def namespace_of_pod() -> str | None:
    """The namespace of the ServiceAccount this process runs as, when inside a pod."""
    with suppress(OSError):
        return Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace").read_text().strip()
    return None
