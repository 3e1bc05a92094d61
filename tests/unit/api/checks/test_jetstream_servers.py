"""No spec makes a server that stores streams another one: other name, cluster or store."""

from __future__ import annotations

import re
from typing import Any

import pytest

from natsctl.api.checks.jetstream_servers import VARIABLES, server_problems
from natsctl.api.checks.validate import validate
from natsctl.api.parse import parse_spec
from natsctl.model.server_flags import FLAGS, Overrides
from natsctl.render.config.boot import boot_text
from tests.unit.render.targets import target


def templated(**server: Any) -> dict[str, Any]:
    return {"template": {"spec": {"containers": [{"name": "a"}, {"name": "nats", **server}]}}}


def said(jetstream: Any = None, **fields: Any) -> list[str]:
    """All that is wrong with the whole spec."""
    spec = parse_spec({"size": 3, "jetstream": jetstream or {}, **fields})
    return [str(problem) for problem in validate("c", spec)]


class TestArguments:
    ARG = "spec.template.spec.containers[1].args"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                ["-n", "x"],
                "'-n' would change the names of servers: one with another name has no data; "
                "remove it",
            ),
            (
                ["--cluster_name=x"],
                "'--cluster_name=x' would change the cluster of the servers, or their routes to "
                "each other; remove it, and use spec.clusterName",
            ),
            (
                ["--routes", ""],
                "'--routes' would change the cluster of the servers, or their routes to each "
                "other; remove it",
            ),
            (
                ["-sd=/x"],
                "'-sd=/x' would replace the store that spec.jetstream stands for; remove it, and "
                "use spec.jetstream.fileStore",
            ),
            (
                ["-js=false"],
                "'-js=false' would replace the store that spec.jetstream stands for; remove it",
            ),
            (
                ["-c", "/x"],
                "'-c' would replace the configuration; remove it, and use the fields of spec",
            ),
            (
                ["-m", "1"],
                "'-m' would change where natsctl asks servers about their streams; remove it",
            ),
            (
                ["-t"],
                "'-t' would keep servers from running, or from stopping in order; remove it",
            ),
            (
                ["$(EXTRA)"],
                "'$(EXTRA)' is not a known flag of nats-server, so it could change anything; "
                "remove it, or write the flag out",
            ),
        ],
    )
    def test_that_override_who_a_server_is_are_refused(
        self, arguments: list[str], message: str
    ) -> None:
        assert said(**templated(args=arguments)) == [f"{self.ARG}[0]: {message}"]
        assert said(**templated(args=["-D", *arguments])) == [f"{self.ARG}[1]: {message}"]

    @pytest.mark.parametrize(
        "flag", [name for name, it in FLAGS.items() if it.overrides is not Overrides.NOTHING]
    )
    @pytest.mark.parametrize("form", ["-{}", "--{}=x"])
    def test_of_every_such_flag(self, flag: str, form: str) -> None:
        (problem,) = said(**templated(args=[form.format(flag)]))
        assert problem.startswith(f"{self.ARG}[0]: ")

    @pytest.mark.parametrize("arguments", [["-D", "-l", "-n"], ["--tls"], [], "odd"])
    def test_that_leave_it_alone_may_be_there(self, arguments: Any) -> None:
        spec = parse_spec({"size": 3, "jetstream": {}, **templated(args=arguments)})
        assert list(server_problems(spec)) == []

    def test_may_be_any_without_jetstream(self) -> None:
        spec = parse_spec({"size": 3, **templated(args=["-n", "x"])})
        assert validate("c", spec) == ()


class TestVariables:
    @pytest.mark.parametrize(
        "variable",
        [
            {"value": "x"},
            {"value": "$(PREFIX)-$(POD_NAME)"},
            {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
            {},
        ],
    )
    @pytest.mark.parametrize("name", VARIABLES)
    def test_of_the_configuration_are_not_the_users(self, name: str, variable: Any) -> None:
        given = [{"name": "A"}, {"name": name, **variable}]
        message = f"{name} {VARIABLES[name]}"
        assert said(pod={"natsEnv": given}) == [f"spec.pod.natsEnv[1].name: {message}"]
        assert said(**templated(env=given)) == [
            f"spec.template.spec.containers[1].env[1].name: {message}"
        ]

    def test_are_all_that_servers_with_jetstream_read(self) -> None:
        text = boot_text(target(jetstream={}, pod={"advertiseExternalIP": True}))
        assert set(re.findall(r"\$(\w+)", text)) == set(VARIABLES)

    def test_of_other_containers_may_be_any(self) -> None:
        beside = {"name": "b", "env": [{"name": "SERVER_NAME", "value": "$(X)"}]}
        assert said(template={"spec": {"containers": [{"name": "nats"}, beside]}}) == []

    @pytest.mark.parametrize("env", ["odd", ["odd"], [{"name": 1}]])
    def test_without_a_shape_are_told_elsewhere(self, env: Any) -> None:
        spec = parse_spec({"size": 3, "jetstream": {}, **templated(env=env)})
        assert list(server_problems(spec)) == []

    def test_that_come_from_elsewhere_do_not_count(self) -> None:
        """Kubernetes: what `env` has wins, and natsctl puts its own there."""
        source = [{"configMapRef": {"name": "m"}}]
        assert said(**templated(envFrom=source)) == []
