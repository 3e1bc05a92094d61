"""What servers and their pods are called, and what such a name tells."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from natsctl.model import names
from natsctl.model.objects import Meta, Pod
from natsctl.model.server_identity import (
    NUMBERINGS,
    claim_index,
    claim_name,
    decimal,
    hexadecimal,
    index_of,
    indexes,
    is_for_new_server,
    may_be_server,
    origin,
    origin_of,
    pod_host,
    pod_name,
    server_host,
    server_name,
    server_name_of,
)
from natsctl.model.slim import slim
from natsctl.render.pod.pod import pod as render_pod
from tests.unit.render.targets import target
from tests.unit.test_project import tracked


def pod(*env: Any, **container: Any) -> Pod:
    containers = [
        {"name": "sidecar", "env": [{"name": names.SERVER_NAME_ENV, "value": "none"}]},
        {"name": names.SERVER_CONTAINER, "env": list(env), **container},
    ]
    made = {"metadata": {"name": "c-1"}, "spec": {"containers": containers}}
    return msgspec.convert(made, Pod)


def named(value: str) -> dict[str, str]:
    return {"name": names.SERVER_NAME_ENV, "value": value}


POD_NAME = {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
NODE = {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
SECRET = {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}


class TestPodName:
    def test_pods_are_numbered_in_decimal_from_one(self) -> None:
        assert [pod_name("c", index) for index in indexes(3)] == ["c-1", "c-2", "c-3"]
        assert [pod_name("c", index) for index in (9, 10, 16)] == ["c-9", "c-10", "c-16"]

    @pytest.mark.parametrize("index", [1, 9, 10, 999])
    def test_the_index_of_a_pod_is_read_back(self, index: int) -> None:
        assert index_of("my-c", pod_name("my-c", index), decimal) == index

    @pytest.mark.parametrize(
        "name",
        [
            *("c", "c-", "c-0", "c-01", "c-a", "c-1a", "c-1\n", "c--1", "c-\u0661", "d-1", "c-1-1"),
            *("xc-1", "c-" + "9" * 10, "c-" + "9" * 5000),
        ],
    )
    def test_other_names_have_no_index(self, name: str) -> None:
        assert index_of("c", name, decimal) is None
        assert not is_for_new_server("c", name)

    def test_pods_of_the_go_operator_count_in_hexadecimal(self) -> None:
        found = [index_of("c", f"c-{i}", hexadecimal) for i in ("9", "a", "10", "1f")]
        assert found == [9, 10, 16, 31]

    @pytest.mark.parametrize(
        "name", ["c", "c-", "c-0", "c-0a", "c-A", "c-g", "d-1", "c-mgmt", "c-" + "f" * 5000]
    )
    def test_other_names_have_no_hexadecimal_index(self, name: str) -> None:
        assert index_of("c", name, hexadecimal) is None

    def test_only_names_in_decimal_are_needed_for_new_servers(self) -> None:
        assert is_for_new_server("c", "c-10")
        assert not is_for_new_server("c", "c-a")

    def test_a_pod_may_be_a_server_by_any_way_of_counting(self) -> None:
        assert [may_be_server("c", name) for name in ("c-10", "c-a", "c-mgmt")] == [
            *(True, True, False)
        ]

    @pytest.mark.parametrize("numbering", NUMBERINGS)
    def test_every_way_of_counting_begins_with_the_first_server(self, numbering: Any) -> None:
        read = [numbering(str(number)) for number in range(3)]
        assert [index for index in read if index is not None][:1] == [1]

    def test_longest_names_fit_into_a_dns_label(self) -> None:
        longest = "c" * names.MAX_CLUSTER_NAME
        assert len(pod_name(longest, names.MAX_SIZE)) <= 63


class TestClaimName:
    def test_tells_the_server_and_is_unlike_its_pod(self) -> None:
        assert [claim_name("c", index) for index in indexes(2)] == ["js-c-1", "js-c-2"]
        assert claim_name("js-c", 1) != claim_name("c", 1)

    @pytest.mark.parametrize("index", [1, 10, 999])
    def test_the_index_is_read_back(self, index: int) -> None:
        assert claim_index("c", claim_name("c", index)) == index

    @pytest.mark.parametrize(
        "name", ["c-1", "js-c", "js-c-0", "js-c-1000", "js-c-a", "js-d-1", "js-js-c-1", ""]
    )
    def test_other_names_are_for_no_server(self, name: str) -> None:
        assert claim_index("c", name) is None


def test_a_server_has_a_name_in_the_headless_service() -> None:
    assert server_host("ns", "c", 2) == "c-2.c-mgmt.ns.svc"
    assert pod_host("ns", "c", "c-a") == "c-a.c-mgmt.ns.svc"


class TestServerName:
    def test_tells_the_very_cluster(self) -> None:
        assert server_name("c", "0b2f5a1c-7d1e-4a58", 2) == "c-2-0b2f5a1c"

    def test_tells_of_which_cluster_it_is(self) -> None:
        uid = "0b2f5a1c-7d1e-4a58"
        assert origin_of("c", 2, server_name("c", uid, 2)) == origin(uid) == "0b2f5a1c"
        assert server_name("c", origin(uid), 2) == server_name("c", uid, 2)

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "c-2",
            "c-2-",
            "c-1-0b2f5a1c",
            "0b2f5a1c",
            "c-2-0b2f5a1cd",
            "c-2-0B",
            'c-2-"',
            "c-2-a\n",
        ],
    )
    def test_other_names_are_of_no_cluster(self, name: str) -> None:
        assert origin_of("c", 2, name) is None

    @pytest.mark.parametrize(
        ("env", "name"),
        [
            ([named('"c-1"')], "c-1"),
            ([named("c-1")], "c-1"),
            ([POD_NAME, named('"east-$(POD_NAME)"')], "east-c-1"),
            ([named("east-$(POD_NAME)"), POD_NAME], "east-$(POD_NAME)"),
            ([POD_NAME, named("$$(POD_NAME)")], "$(POD_NAME)"),
            ([{"name": "A", "value": "a"}, named("$(A)-$(B)")], "a-$(B)"),
            ([named("first"), named("second")], "second"),
            ([{"name": "DB_PORT", "value": "1"}, named("$(DB_PORT)")], "1"),
        ],
    )
    def test_of_a_pod_is_what_the_kubelet_makes_of_the_environment(
        self, env: list[Any], name: str
    ) -> None:
        assert server_name_of(pod(*env)) == name

    @pytest.mark.parametrize(
        "env",
        [
            [],
            [named("")],
            [named('"a\\"b"')],
            [NODE, named("$(NODE)")],
            [SECRET, named("$(SECRET)")],
            [SECRET, {"name": "A", "value": "$(SECRET)"}, named("$(A)")],
            [{**SECRET, "name": names.SERVER_NAME_ENV}],
            [named("$(DB_SERVICE_HOST)")],
            [{"name": "A", "value": "$(DB_PORT_5432_TCP)"}, named("$(A)")],
        ],
    )
    def test_of_a_pod_is_not_known_where_the_pod_does_not_tell(self, env: list[Any]) -> None:
        assert server_name_of(pod(*env)) is None

    @pytest.mark.parametrize("arguments", [["-n", "other"], ["$(X)"], ["-D", "-c=/x"]])
    def test_of_a_pod_is_not_known_where_arguments_may_give_another(
        self, arguments: list[str]
    ) -> None:
        assert server_name_of(pod(named("c-1"), args=arguments)) is None
        assert server_name_of(slim(pod(named("c-1"), args=arguments))) is None

    def test_of_a_pod_is_known_with_arguments_that_leave_it_alone(self) -> None:
        assert server_name_of(pod(named("c-1"), args=["-D", "-l", "-n"])) == "c-1"
        assert server_name_of(slim(pod(named("c-1"), args=["-D", "-l", "x" * 9999]))) == "c-1"

    def test_of_a_pod_is_not_known_of_a_pod_without_a_server(self) -> None:
        assert server_name_of(Pod(Meta())) is None

    def test_of_a_pod_is_known_of_every_pod_that_natsctl_makes(self) -> None:
        goal = target()
        made = msgspec.convert(render_pod(goal, 1), Pod)
        assert server_name_of(made) == server_name(goal.name, goal.uid, 1)

    @pytest.mark.parametrize(
        ("env", "name"),
        [
            ([POD_NAME, named("east-$(POD_NAME)")], "east-c-1"),
            ([named("n" * 9999)], None),
            ([{"name": "A", "value": "a" * 9999}, named("$(A)")], None),
            ([{"name": "A" * 9999, "value": "a"}, named("c-1")], "c-1"),
        ],
    )
    def test_of_a_pod_is_known_from_what_is_kept_of_a_pod_which_is_little(
        self, env: list[Any], name: str | None
    ) -> None:
        kept = slim(pod(*env))
        assert server_name_of(kept) == name
        assert len(msgspec.json.encode(kept)) < 2000

    def test_of_a_pod_is_not_known_from_what_is_kept_where_arguments_may_give_another(self) -> None:
        assert server_name_of(slim(pod(named("c-1"), args=["-n", "x" * 9999]))) is None


ROOT = Path(__file__).resolve().parents[3]
HERE = ("natsctl/model/server_identity.py", "natsctl/plan/servers/identity.py")


def arithmetic(tree: ast.Module) -> Iterator[str]:
    """What a module does with indexes of servers, beside passing them on."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=others) if _mentions("index", left, *others):
                yield ast.unparse(node)
            case ast.BinOp(left=left, right=right) if _mentions("index", left, right):
                yield ast.unparse(node)
            case ast.UnaryOp(operand=operand) if _mentions("index", operand):
                yield ast.unparse(node)
            case ast.keyword(arg="key", value=value) if _mentions("index", value):
                yield ast.unparse(node)
            case ast.JoinedStr(values=[*_, ast.Constant(value=str(text)), last]):
                if text.endswith("-") and _mentions("index", last):
                    yield ast.unparse(node)
            case ast.Call(func=ast.Name(id="range"), args=[_, end]) if _mentions("size", end):
                yield ast.unparse(node)
            case ast.Call(func=ast.Name(id="decimal" | "hexadecimal")):
                yield ast.unparse(node)


def _mentions(name: str, *nodes: ast.expr) -> bool:
    inner = [each for node in nodes for each in ast.walk(node)]
    names = [getattr(each, "id", getattr(each, "attr", None)) for each in inner]
    return name in names


class TestOnlyHere:
    """Which server comes first, or what the next is called, no other module knows."""

    @pytest.mark.parametrize(
        "use",
        [
            "server.index > size",
            "index in present",
            "index is not None",
            "server.index - 1",
            "sorted(servers, key=lambda s: (s.ready, -s.index))",
            "max(servers, key=lambda s: s.index)",
            "f'{cluster}-{index}'",
            "f'{cluster}-{server.index}'",
            "[f'{c}-{i}' for i in range(1, size + 1)]",
            "decimal(name.removeprefix(prefix))",
        ],
    )
    def test_arithmetic_is_noticed(self, use: str) -> None:
        assert list(arithmetic(ast.parse(use))) != []

    @pytest.mark.parametrize(
        "use",
        [
            "render_pod(target, server.index)",
            "pod_name(cluster, index)",
            "f'users[{index}]'",
            "range(3)",
            "range(1, signal.NSIG)",
            "sorted(names)",
        ],
    )
    def test_passing_an_index_on_is_fine(self, use: str) -> None:
        assert list(arithmetic(ast.parse(use))) == []

    def test_no_other_module_counts_servers(self) -> None:
        paths = {path.relative_to(ROOT).as_posix(): path for path in tracked()}
        product = {
            name: path
            for name, path in paths.items()
            if name.startswith("natsctl/") and name.endswith(".py") and name not in HERE
        }
        found = {
            name: list(arithmetic(ast.parse(path.read_text()))) for name, path in product.items()
        }
        assert {name: uses for name, uses in found.items() if uses} == {}
