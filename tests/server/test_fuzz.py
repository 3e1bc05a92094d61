"""Every spec that our schema allows is refused with a place and a reason, or runs.

Both the server's own check and an actual start are asked, of a version drawn with the spec.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.api.checks.validate import validate
from natsctl.api.parse import parse_spec
from natsctl.api.version import ServerVersion
from natsctl.plan.inputs.jetstream_key import SHORTEST, key_problem
from natsctl.render.config.system_account import lacks_system
from natsctl.render.inputs import ConfigInputs, Files, Login, Neighbour
from natsctl.render.target import Target
from tests.hostile_json import fuzzed
from tests.server import servers
from tests.server.layout import lay_out, on_loopback, texts
from tests.unit.api.jwts import ACCOUNT, ACCOUNT_JWT, USER
from tests.unit.api.strategies import WORDS, jetstream_specs, specs, valid_specs

pytestmark = [pytest.mark.server, pytest.mark.timeout(0)]

PATIENCE = 20.0

SUBJECTS = st.lists(st.sampled_from(["a", "a.*", "b.>", ">", "_INBOX.>"]), max_size=2)
PERMISSIONS = st.fixed_dictionaries(
    {},
    optional={
        "publish": SUBJECTS | st.fixed_dictionaries({}, optional={"allow": SUBJECTS}),
        "subscribe": SUBJECTS | st.fixed_dictionaries({}, optional={"deny": SUBJECTS}),
    },
)
PASSWORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=9)


def _name(user: dict[str, Any]) -> str:
    return str(user["username"])


USERS = st.lists(
    st.fixed_dictionaries(
        {"username": PASSWORDS, "password": PASSWORDS}, optional={"permissions": PERMISSIONS}
    ),
    unique_by=_name,
    max_size=3,
)
AUTHORIZATIONS = st.one_of(
    st.none(),
    st.fixed_dictionaries({"users": USERS}, optional={"default_permissions": PERMISSIONS}),
    st.fixed_dictionaries({"token": PASSWORDS}),
    st.fixed_dictionaries({"username": PASSWORDS, "password": PASSWORDS}),
    st.fixed_dictionaries({}, optional={"timeout": st.integers(1, 9)}),
)
LOGINS = st.builds(Login, PASSWORDS, PASSWORDS)
KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=SHORTEST).filter(
    lambda key: not key_problem(key.encode())
)
INPUTS = st.builds(
    ConfigInputs,
    authorization=AUTHORIZATIONS,
    routes=st.none() | LOGINS,
    gateways=st.none() | LOGINS,
    system=st.just(USER),
    files=st.fixed_dictionaries(
        {},
        optional={
            listener: st.sampled_from(
                [Files("tls.crt", "tls.key"), Files("tls.crt", "tls.key", "ca.crt")]
            )
            for listener in ("clients", "leafnodes", "websocket")
        },
    ),
    neighbours=st.dictionaries(
        WORDS, st.builds(Neighbour, st.integers(0, 3), st.none() | LOGINS, st.booleans())
    ),
    jetstream_key=KEYS,
)
VERSIONS = st.sampled_from(servers.VERSIONS)
VALID = valid_specs(VERSIONS)
RAW = st.one_of(VALID, VALID, jetstream_specs(), specs())


@pytest.fixture(scope="module")
def resolver() -> Iterator[str]:
    """Where JWTs of accounts are found over HTTP."""
    with ThreadingHTTPServer(("127.0.0.1", 0), ServiceAccounts) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/jwt/v1/accounts/"
        server.shutdown()
        thread.join()


class ServiceAccounts(BaseHTTPRequestHandler):
    """Knows the one account that specs name."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(ACCOUNT_JWT.encode() if self.path.endswith(ACCOUNT) else b"")

    def log_message(self, format: str, *args: Any) -> None:
        """Not a word."""


def refusals(raw: dict[str, Any]) -> list[tuple[str, str]]:
    return [(problem.path, problem.message) for problem in validate("c", parse_spec(raw))]


def started(target: Target, folder: Path, resolver: str) -> str:
    """Empty once a server listens, or the last words of one that did not."""
    boot = lay_out(target, folder, on_loopback(texts(target), servers.NOBODY), resolver)
    log = folder / "log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [servers.binary(target.version.text), "-c", boot, "--ports_file_dir", folder],
            env=servers.environment("c-1", folder),
            stderr=output,
        )
    deadline = time.monotonic() + PATIENCE
    try:
        while not any(folder.glob("*.ports")):
            if server.poll() is not None:
                return f"exit {server.returncode}: {log.read_text()}"
            if time.monotonic() > deadline:
                return f"no answer: {log.read_text()}"
            time.sleep(0.003)
    finally:
        server.kill()
        server.wait()
    return ""


@fuzzed(500)
@given(raw=RAW, other=VERSIONS, inputs=INPUTS)
def test_a_spec_is_refused_or_runs(
    resolver: str, raw: dict[str, Any], other: str, inputs: ConfigInputs
) -> None:
    version = raw["version"] if raw.get("version") in servers.VERSIONS else other
    raw = {**raw, "version": version}
    complaints = refusals(raw)
    if complaints:
        assert all(path.startswith("spec") and message for path, message in complaints)
        return
    spec = parse_spec(raw)
    target = Target("ns", "c", "uid", spec, ServerVersion.parse(version), inputs=inputs)
    target = attrs.evolve(target, joined=spec.cluster_name or None)  # as `joined_name` tells
    if lacks_system(target):
        assert (inputs.authorization or {}).get("token"), "the spec was to blame"
        return
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        checked = servers.check(target, folder / "check", resolver=resolver)
        assert checked.returncode == 0, f"{checked.stderr}\n{texts(target)['nats.conf']}"
        said = started(target, folder / "run", resolver)
        assert not said, f"{said}\n{texts(target)['nats.conf']}"
    finally:
        shutil.rmtree(folder)
