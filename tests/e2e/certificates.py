"""Real certificates, in Secrets as users make them."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Mapping
from typing import Any

import attrs
import trustme
from cryptography import x509

from tests.e2e.kubectl import Json

SERVER = ("ca.pem", "server.pem", "server-key.pem")
ROUTE = ("ca.pem", "route.pem", "route-key.pem")
KUBERNETES = ("ca.crt", "tls.crt", "tls.key")


def opaque(name: str, data: Mapping[str, str | bytes], kind: str = "Opaque") -> Json:
    """A Secret."""
    encoded = {
        key: base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()
        for key, value in data.items()
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "type": kind,
        "data": encoded,
    }


@attrs.frozen
class Authority:
    """A CA of one test."""

    ca: trustme.CA = attrs.field(factory=trustme.CA)

    @property
    def pem(self) -> bytes:
        """Its own certificate."""
        return self.ca.cert_pem.bytes()

    def secret(
        self,
        name: str,
        *hosts: str,
        files: tuple[str, str, str] = SERVER,
        kind: str = "Opaque",
        trusted: bytes | None = None,
    ) -> Json:
        """A Secret with CA (`trusted`, or this one), certificate and key for these hosts."""
        issued = self.ca.issue_cert(*hosts)
        parts = (
            trusted or self.pem,
            b"".join(blob.bytes() for blob in issued.cert_chain_pems),
            issued.private_key_pem.bytes(),
        )
        return opaque(name, dict(zip(files, parts, strict=True)), kind)

    def for_clients(self, cluster: str, namespace: str, name: str = "clients-tls") -> Json:
        """The Secret of the clients' port."""
        return self.secret(name, f"{cluster}.{namespace}.svc", f"*.{cluster}-mgmt.{namespace}.svc")

    def for_routes(self, cluster: str, namespace: str, name: str = "routes-tls") -> Json:
        """The Secret of the routes."""
        return self.secret(name, f"*.{cluster}-mgmt.{namespace}.svc", files=ROUTE)

    def context(self, client: Authority | None = None) -> ssl.SSLContext:
        """Trusts this CA, whatever the host's name; shows a certificate of `client`'s."""
        context = ssl.create_default_context(cadata=self.pem.decode())
        context.check_hostname = False
        if client is not None:
            client.ca.issue_cert("user@example.com").configure_cert(context)
        return context


def serial(address: str, context: ssl.SSLContext, port: int = 4222) -> int:
    """The serial number of the certificate that a server's port for clients shows."""
    with socket.create_connection((address, port), 5) as plain:
        info = plain.recv(4096)
        assert info.startswith(b"INFO")
        with context.wrap_socket(plain, server_hostname=address) as encrypted:
            shown: Any = encrypted.getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(shown).serial_number
