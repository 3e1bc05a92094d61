"""Where servers are asked, as their own pods tell it."""

from __future__ import annotations

import msgspec
import pytest

from natsctl.model.objects import Pod
from natsctl.model.server_address import address_of


def pod(address: str | None) -> Pod:
    return msgspec.convert({"metadata": {"name": "c-1"}, "status": {"podIP": address}}, Pod)


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.2", "fd00::1", "2001:db8::1"])
def test_a_pod_has_an_address(address: str) -> None:
    assert address_of(pod(address)) == address


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "not an address",
        "kubernetes.default.svc",
        "10.0.0.1:80",
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "::",
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "fe80::1",
        "fe80::1%eth0",
        "2001:db8::1%lo",
        "224.0.0.1",
        "ff02::1",
    ],
)
def test_an_address_that_no_pod_can_have_is_not_connected_to(address: str | None) -> None:
    assert address_of(pod(address)) == ""
