"""The reloader beside real servers: what changes arrives, once, without a restart."""

from __future__ import annotations

import signal
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.server.servers import binary, those, wait_for
from tests.unit.sidecar import beside
from tests.unit.sidecar.beside import Speaker, Volume

pytestmark = pytest.mark.server

VERSIONS = those("2.0.0", "2.9.25", "2.10.29", "2.15.3")
RELOADED = "Reloaded server configuration"
BOOT = """
listen: "127.0.0.1:-1"
include "nats.json"
tls { cert_file: "%(certs)s/cert.pem", key_file: "%(certs)s/key.pem" }
"""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Place:
    """The volumes of a pod: configuration and certificates."""

    def __init__(self, folder: Path, authority: trustme.CA) -> None:
        self.pid_file = folder / "nats.pid"
        self.config = Volume(folder / "config")
        self.certificates = Volume(folder / "certificates")
        self.authority = authority
        self.rotate()
        self.configure(debug=False)

    def configure(self, *, debug: bool) -> None:
        boot = BOOT % {"certs": self.certificates.folder}
        value = str(debug).lower()
        self.config.publish(server_conf=boot, nats_json=f'{{"debug": {value}}}')

    def rotate(self) -> int:
        """New certificate; its serial number."""
        made = self.authority.issue_cert("localhost")
        (chain,) = made.cert_chain_pems
        self.certificates.publish(
            cert_pem=chain.bytes().decode(), key_pem=made.private_key_pem.bytes().decode()
        )
        return serial(ssl.PEM_cert_to_DER_cert(chain.bytes().decode().strip()))


def serial(certificate: bytes) -> int:
    from cryptography.x509 import load_der_x509_certificate

    return load_der_x509_certificate(certificate).serial_number


@pytest.fixture
def place(tmp_path: Path, authority: trustme.CA) -> Place:
    return Place(tmp_path, authority)


@pytest.fixture
def server(place: Place, version: str) -> Iterator[Speaker]:
    """A server of this version, ready, with its log to listen to."""
    boot = place.config.folder / "server.conf"
    argv = [binary(version), "-c", str(boot), "-P", str(place.pid_file)]
    with beside.speaking(argv, errors=True) as found:
        found.says("Server is ready")
        yield found


@pytest.fixture
def reloader(place: Place, server: Speaker) -> Iterator[Speaker]:
    """Told of one file only, it finds the others.

    A server that starts within a step of the clock after its files were written is signalled once,
    to be sure; whether this one did depends on how fast the test is.
    """
    with beside.reloader(place.pid_file, place.config.folder / "server.conf") as found:
        if "started before the last change" in found.says("watching"):
            found.says("sent SIGHUP")
            server.says(RELOADED)
        yield found


def shown(server: Speaker) -> int:
    """The serial number of the certificate that a new client is shown."""
    port = int(next(line for line in server.lines if "for client" in line).rsplit(":", 1)[1])
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
        assert plain.recv(4096).startswith(b"INFO")
        with context.wrap_socket(plain) as secure:
            certificate = secure.getpeercert(binary_form=True)
    assert certificate
    return serial(certificate)


def test_one_reload_per_update(place: Place, server: Speaker, reloader: Speaker) -> None:
    before = sum(RELOADED in line for line in server.lines)
    for debug in (True, False, True):
        place.configure(debug=debug)
        server.says(RELOADED)
        reloader.says("sent SIGHUP")
    assert reloader.end(signal.SIGTERM) == 0
    server.process.send_signal(signal.SIGTERM)
    server.process.wait()
    assert server.process.stderr is not None
    rest = server.process.stderr.read().decode()
    assert sum(RELOADED in line for line in [*server.lines, *rest.splitlines()]) == before + 3


def test_a_renewed_certificate_is_shown_to_new_clients(
    place: Place, server: Speaker, reloader: Speaker
) -> None:
    before, now = shown(server), place.rotate()
    server.says(RELOADED)
    assert before != now
    assert wait_for(lambda: shown(server) == now)


def test_a_change_between_the_starts_of_server_and_reloader_arrives(
    place: Place, server: Speaker
) -> None:
    place.configure(debug=True)
    with beside.reloader(place.pid_file, place.config.folder / "server.conf"):
        server.says("Reloaded: debug = true")


def test_a_server_that_was_replaced_is_followed(
    place: Place, version: str, server: Speaker, reloader: Speaker
) -> None:
    server.end(signal.SIGKILL)
    boot = place.config.folder / "server.conf"
    argv = [binary(version), "-c", str(boot), "-P", str(place.pid_file)]
    with beside.speaking(argv, errors=True) as successor:
        successor.says("Server is ready")
        reloader.says(f"server with pid {successor.process.pid}")
        place.configure(debug=True)
        successor.says("Reloaded: debug = true")
