from typing import Any

import attrs
import pytest
from hypothesis import given

from natsctl.render.pod.pod import pod
from natsctl.render.target import Target
from tests.unit.render.targets import TARGETS, target


def pod_spec(container: dict[str, Any] | None = None, **template: Any) -> dict[str, Any]:
    containers = [{"name": "nats", "securityContext": container or {}}]
    spec: dict[str, Any] = pod(
        target(template={"spec": {"containers": containers, **template}}), 1
    )["spec"]
    return spec


def server(**container: Any) -> dict[str, Any]:
    context: dict[str, Any] = pod_spec(container)["containers"][0]["securityContext"]
    return context


def test_a_pod_is_restricted_without_a_template() -> None:
    spec = pod(target(), 1)["spec"]
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "runAsGroup": 1000,
        "fsGroup": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False


IDS = {"runAsUser", "runAsGroup", "fsGroup"}


@pytest.mark.parametrize(
    "found",
    [
        target(pod={"platformAssignedIds": True}),
        attrs.evolve(target(), platform_assigned_ids=True),
    ],
    ids=["cluster", "installation"],
)
def test_ids_can_be_left_to_the_platform(found: Target) -> None:
    spec = pod(found, 1)["spec"]
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert not IDS & spec["containers"][0]["securityContext"].keys()


def test_what_the_template_gives_stands_on_such_a_platform() -> None:
    given_ = {"spec": {"securityContext": {"fsGroup": 7}}}
    found = target(pod={"platformAssignedIds": True}, template=given_)
    assert pod(found, 1)["spec"]["securityContext"]["fsGroup"] == 7


class TestLowPorts:
    """The server is not root."""

    @pytest.mark.parametrize(
        ("spec", "lowest"),
        [
            ({"websocketConfig": {"port": 443, "no_tls": True}}, "443"),
            ({"leafnodeConfig": {"hostPort": 80}, "gatewayConfig": {"hostPort": 90}}, "80"),
        ],
    )
    def test_they_may_be_opened_in_the_pods_own_network(
        self, spec: dict[str, Any], lowest: str
    ) -> None:
        context = pod(target(**spec), 1)["spec"]["securityContext"]
        assert context["sysctls"] == [
            {"name": "net.ipv4.ip_unprivileged_port_start", "value": lowest}
        ]

    def test_beside_other_sysctls_unless_given(self) -> None:
        def found(*sysctls: dict[str, str]) -> Any:
            template = {"spec": {"securityContext": {"sysctls": list(sysctls)}}}
            websocket = {"port": 443, "no_tls": True}
            spec = pod(target(template=template, websocketConfig=websocket), 1)["spec"]
            return [each["value"] for each in spec["securityContext"]["sysctls"]]

        assert found({"name": "net.core.somaxconn", "value": "9"}) == ["9", "443"]
        assert found({"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}) == ["0"]

    @pytest.mark.parametrize(
        "spec",
        [
            {"websocketConfig": {"port": 1024, "no_tls": True}},
            {
                "websocketConfig": {"port": 443, "no_tls": True},
                "template": {"spec": {"hostNetwork": True}},
            },
        ],
        ids=["high", "node"],
    )
    def test_nothing_else_gets_it(self, spec: dict[str, Any]) -> None:
        assert "sysctls" not in pod(target(**spec), 1)["spec"]["securityContext"]


def test_the_template_decides_field_by_field() -> None:
    context = pod_spec(securityContext={"runAsUser": 7, "supplementalGroups": [1]})[
        "securityContext"
    ]
    assert context["runAsUser"] == 7
    assert context["supplementalGroups"] == [1]
    assert context["runAsGroup"] == 1000
    assert server(readOnlyRootFilesystem=False) == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": False,
        "capabilities": {"drop": ["ALL"]},
    }


def test_added_capabilities_stand_beside_the_dropped_ones() -> None:
    assert server(capabilities={"add": ["NET_BIND_SERVICE"]})["capabilities"] == {
        "drop": ["ALL"],
        "add": ["NET_BIND_SERVICE"],
    }
    assert server(capabilities={"drop": ["MKNOD"]})["capabilities"] == {"drop": ["MKNOD"]}


@pytest.mark.parametrize(
    "context", [{"privileged": True}, {"capabilities": {"add": ["SYS_ADMIN"]}}]
)
def test_escalation_is_not_forbidden_to_who_has_every_right(context: dict[str, Any]) -> None:
    assert "allowPrivilegeEscalation" not in server(**context)


def test_root_is_not_asked_to_be_somebody_else() -> None:
    assert "runAsNonRoot" not in pod_spec(securityContext={"runAsUser": 0})["securityContext"]
    assert "runAsNonRoot" not in pod_spec({"runAsUser": 0})["securityContext"]


def test_a_named_service_account_gets_its_token() -> None:
    assert "automountServiceAccountToken" not in pod_spec(serviceAccountName="nats-server")


@pytest.mark.parametrize("field", ["automountServiceAccountToken", "enableServiceLinks"])
def test_credentials_are_given_where_the_template_says_so(field: str) -> None:
    template: dict[str, Any] = {field: True}
    assert pod_spec(**template)[field] is True


@given(TARGETS)
def test_no_spec_makes_a_contradiction_that_the_api_server_or_kubelet_refuses(
    target: Target,
) -> None:
    spec = pod(target, 1)["spec"]
    whole, own = spec["securityContext"], spec["containers"][0]["securityContext"]
    mighty = own.get("privileged") or "SYS_ADMIN" in own["capabilities"].get("add", [])
    assert not (mighty and own.get("allowPrivilegeEscalation") is False)
    assert not (own.get("runAsUser", whole.get("runAsUser")) == 0 and whole.get("runAsNonRoot"))
