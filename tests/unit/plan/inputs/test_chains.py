"""Whether certificates lead to a CA: the same is asked of real servers in tests/server."""

from __future__ import annotations

import attrs
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from natsctl.plan.inputs.certificates import coming_minute, inspect, route_problem, time_problem
from natsctl.plan.inputs.chains import MOST_CHECKS, OUT_OF_TIME, UNSIGNED, chain_problem
from tests.unit.plan.issuing import HOST, MINUTE, Files, authority, every, issue, pem


def problems(files: Files) -> list[str]:
    found = inspect(files.cert, files.key, files.ca)
    assert not found.problem
    told = (
        route_problem(found, HOST),
        time_problem(found, MINUTE),
        chain_problem(files.cert, files.ca, MINUTE),
    )
    return [text for text in told if text]


@pytest.mark.parametrize("name", every())
def test_what_servers_mesh_with_is_known(name: str) -> None:
    files = every()[name]
    assert bool(problems(files)) is not files.works


def test_why_nobody_believes_it() -> None:
    found = {name: problems(every()[name]) for name in every()}
    assert found["of-another-ca"] == found["without-its-intermediate"] == [UNSIGNED]
    assert found["of-an-ended-ca"] == found["of-an-ended-intermediate"] == [OUT_OF_TIME]
    assert found["ended"][0].startswith("it expired at 20")
    assert found["not-valid-yet"][0].startswith("it is not valid before 20")
    assert found["for-servers-only"] == ["its extended key usage lacks client authentication"]


def test_without_a_clock_times_do_not_count() -> None:
    files = every()["of-an-ended-ca"]
    assert chain_problem(files.cert, files.ca) == ""
    found = inspect(every()["ended"].cert, every()["ended"].key, None)
    assert time_problem(found, "") == ""


@pytest.mark.parametrize(
    ("now", "minute"),
    [
        ("2026-11-29T12:36:50Z", "2026-11-29T12:37:00Z"),
        ("2026-12-31T23:59:00Z", "2027-01-01T00:00:00Z"),
    ],
)
def test_what_was_issued_a_moment_ago_is_valid(now: str, minute: str) -> None:
    assert coming_minute(now) == minute
    issued = attrs.evolve(inspect(*attrs.astuple(every()["good"])[:3]), not_before=now)
    assert time_problem(issued, coming_minute(now)) == ""


@pytest.mark.parametrize(
    "cert", [b"", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"]
)
def test_what_cannot_be_read_is_told_elsewhere(cert: bytes) -> None:
    assert chain_problem(cert, every()["good"].ca, MINUTE) == ""


def test_what_is_no_certificate_among_the_cas_is_passed_over() -> None:
    files = every()["good"]
    odd = b"-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n"
    assert chain_problem(files.cert, odd + files.ca, MINUTE) == ""


def test_a_ca_with_a_key_that_takes_too_long_is_not_asked() -> None:
    key = rsa.RSAPublicNumbers(65537, 2**9000 + 1).public_key()
    endless = issue("endless", of=key, ca=True, usages=(), hosts=())
    assert chain_problem(pem(issue("leaf", by="endless")), pem(endless), MINUTE) == UNSIGNED


def test_a_labyrinth_has_an_end() -> None:
    """Who signs each other in circles is not followed for ever, nor refused."""
    ring = [authority("a", by="b", days=(-2, 50 + n)) for n in range(MOST_CHECKS)]
    ring += [authority("b", by="a", days=(-2, 50 + n)) for n in range(MOST_CHECKS)]
    assert chain_problem(pem(issue("leaf", by="a"), *ring), pem(authority("c")), MINUTE) == ""
    two = pem(issue("leaf", by="a"), authority("a", by="b"), authority("b", by="a"))
    assert chain_problem(two, pem(authority("c")), MINUTE) == UNSIGNED
