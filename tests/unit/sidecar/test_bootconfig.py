"""Which address of a node is advertised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from natsctl.sidecar.bootconfig import Failed, Settings, choose

LABEL = "nats.io/node-external-ip"
SETTINGS = Settings("n1", Path("client"), Path("gateway"), LABEL)


def node(label: str | None = None, **addresses: str) -> dict[str, Any]:
    found = [{"type": kind, "address": address} for kind, address in addresses.items()]
    labels = {} if label is None else {"labels": {LABEL: label}}
    return {"metadata": {"name": "n1", **labels}, "status": {"addresses": found}}


@pytest.mark.parametrize(
    ("given", "internal", "found"),
    [
        (node(ExternalIP="192.0.2.1"), False, ("192.0.2.1", "ExternalIP")),
        (node("192.0.2.2", ExternalIP="192.0.2.1"), False, ("192.0.2.1", "ExternalIP")),
        (node("192.0.2.2", ExternalIP=""), False, ("192.0.2.2", f"label {LABEL}")),
        (node("192.0.2.2"), True, ("192.0.2.2", f"label {LABEL}")),
        (node("node-1.example"), False, ("node-1.example", f"label {LABEL}")),
        (node(ExternalIP="2001:db8::1"), False, ("[2001:db8::1]", "ExternalIP")),
        (node(InternalIP="10.0.0.1"), True, ("10.0.0.1", "InternalIP")),
        (node(InternalIP="fd00::1"), True, ("[fd00::1]", "InternalIP")),
        (node(InternalIP="10.0.0.1", ExternalIP="192.0.2.1"), True, ("192.0.2.1", "ExternalIP")),
    ],
)
def test_the_external_address_then_the_label_then_if_allowed_the_internal(
    given: dict[str, Any], internal: bool, found: tuple[str, str]
) -> None:
    chosen = choose(given, attrs.evolve(SETTINGS, internal=internal))
    assert attrs.astuple(chosen) == found


def test_the_first_of_several() -> None:
    several = [{"type": "ExternalIP", "address": text} for text in ("192.0.2.1", "2001:db8::1")]
    given = {"metadata": {}, "status": {"addresses": several}}
    assert choose(given, SETTINGS).address == "192.0.2.1"


@pytest.mark.parametrize("given", [node(), node(""), {"metadata": {}}])
@pytest.mark.parametrize("internal", [False, True])
def test_nothing_to_advertise_names_node_and_label_and_the_way_out(
    given: dict[str, Any], internal: bool
) -> None:
    with pytest.raises(Failed) as failed:
        choose(given, attrs.evolve(SETTINGS, internal=internal))
    assert str(failed.value) == (
        f"node n1 has no ExternalIP and no label {LABEL}; set one: "
        f"kubectl label node n1 {LABEL}=ADDRESS"
    )


def test_an_internal_address_is_never_advertised_unasked() -> None:
    with pytest.raises(Failed, match=r"or --internal-ip to advertise its InternalIP 10\.0\.0\.1"):
        choose(node(InternalIP="10.0.0.1"), SETTINGS)


@pytest.mark.parametrize(
    "address",
    ['x"\nauthorization: {}', "a b", "$HOME", 'fe80::1%"x', "\x1b[2J", "x" * 300, "192.0.2.1\n"],
)
@pytest.mark.parametrize("where", ["ExternalIP", "label"])
def test_an_address_that_would_say_more_in_a_configuration_is_refused(
    address: str, where: str
) -> None:
    given = node(address) if where == "label" else node(ExternalIP=address)
    with pytest.raises(Failed, match="neither an IP nor a name") as failed:
        choose(given, SETTINGS)
    assert str(failed.value).isprintable()


@pytest.mark.parametrize("addresses", ["x", [7], [{"type": 7}], [{"address": ["x"]}], {"a": 1}])
def test_addresses_that_are_none(addresses: Any) -> None:
    with pytest.raises(Failed, match="cannot be read"):
        choose({"metadata": {}, "status": {"addresses": addresses}}, SETTINGS)
