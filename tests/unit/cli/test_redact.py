"""Nothing that is secret gets through; the rest stays readable."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from natsctl.cli.masks import MASK
from natsctl.cli.redact import Redactor, secrets_in, secrets_of

CANARY = "c4nary/+ in \"a\" 'cage'"
HOLDERS = (
    "annotations",
    "env",
    "natsEnv",
    "httpHeaders",
    "command",
    "args",
    "volumeAttributes",
    "resolverPreload",
)
plain = Redactor(b"key")
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"
SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
HASH = "$2a$11$1oJy/wZYNTxr9jNwMNwS3eUGhBpHT3On8CL9o7ey89mpgo88VG6ba"
KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----"


def secret(**data: str) -> dict[str, Any]:
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    return {"kind": "Secret", "metadata": {"name": "s", "annotations": {"a": "b"}}, "data": encoded}


class TestByWhatItIs:
    @pytest.mark.parametrize("found", [JWT, SEED, HASH, KEY, KEY[:40]])
    def test_keys_tokens_and_hashes(self, found: str) -> None:
        assert plain.text(f"before {found}") == f"before {MASK}"

    @pytest.mark.parametrize(
        ("found", "shown"),
        [
            ("nats://u:p@h:1", "nats://u:***@h:1"),
            ("nats://t@h:1", "nats://***@h:1"),
            ("nats://u:p@ss@h:1", "nats://u:***@h:1"),
            ("http://h:8222/a@b", "http://h:8222/a@b"),
        ],
    )
    def test_logins_in_urls(self, found: str, shown: str) -> None:
        assert plain.text(found) == shown

    @pytest.mark.parametrize(
        "said",
        [
            'CONNECT {"user":"u","pass":"x"}',
            "password: x",
            "Authorization: Bearer x",
            "auth_token='x'",
            "PUB a 1\n[TRC] MSG_PAYLOAD: [x]",
        ],
    )
    def test_what_a_log_calls_a_password_or_a_message(self, said: str) -> None:
        assert "x" not in plain.log(said).replace("[TRC] MSG_PAYLOAD", "")

    def test_the_rest_of_a_log_stays(self) -> None:
        said = "[INF] Listening for client connections on 0.0.0.0:4222\n[ERR] no route to x-2"
        assert plain.log(said) == said


class TestWherever:
    """What was found in a secret place is masked in all others, however it is written."""

    @given(st.text(min_size=8).filter(lambda text: "*" not in text), st.text(), st.text())
    @example(CANARY, "", "")
    def test_texts(self, canary: str, before: str, after: str) -> None:
        redactor = Redactor(b"key", frozenset({canary}))
        forms = canary, json.dumps(canary)[1:-1], quote(canary, safe="")
        assert all(form not in redactor.text(f"{before}{form}{after}") for form in forms)

    @given(st.binary(max_size=5), st.binary(max_size=5))
    def test_base64_of_what_surrounds_them(self, before: bytes, after: bytes) -> None:
        redactor = Redactor(b"key", frozenset({CANARY}))
        encoded = base64.b64encode(before + CANARY.encode() + after).decode()
        assert MASK in redactor.text(encoded)

    @pytest.mark.parametrize(
        ("found", "shown"),
        [
            ("x abcdefgh-ijkl", f"x {MASK}"),
            ("abcdefgh-ijabcdefgh", f"{MASK}-ij{MASK}"),
            ("abcdefghabcdefgh.", f"{MASK}."),
            ("abcdefgh-ijkl-mnop x", f"{MASK} x"),
            ("abcdefg", "abcdefg"),
        ],
    )
    def test_texts_that_overlap(self, found: str, shown: str) -> None:
        known = frozenset({"abcdefgh", "abcdefgh-ijkl", "gh-ijkl-mnop"})
        assert Redactor(b"key", known).text(found) == shown


class TestSecrets:
    def test_keys_sizes_and_marks(self) -> None:
        shown = plain.secret(secret(a="x", b="x", c="yy"))
        assert shown["data"]["a"] == shown["data"]["b"]
        assert shown["data"]["a"].endswith("(1 bytes)")
        assert shown["data"]["c"].endswith("(2 bytes)")

    def test_marks_of_two_reports_have_nothing_in_common(self) -> None:
        assert plain.mark("x") != Redactor(b"other").mark("x")

    def test_texts_of_all_kinds(self) -> None:
        config = {"users": [{"username": "somebody", "password": "c4nary-json"}]}
        config |= {"urls": ["nats://u:c4nary-url@h"], "accounts": {"nkey": ["c4nary-nkey"]}}
        found = secrets_of(
            secret(
                auth=json.dumps(config),
                token="c4nary-token\n",
                text="first-line\nsecond-line\nshort",
                namespace="some-namespace",
            )
        )
        texts = {"c4nary-json", "c4nary-url", "c4nary-nkey", "c4nary-token", "second-line"}
        assert texts < found
        assert not {"somebody", "some-namespace", "short"} & found


class TestObjects:
    def shown(self, **found: Any) -> Any:
        return plain.manifest(found)

    def test_variables_and_headers(self) -> None:
        env = [{"name": "A", "value": "x"}, {"name": "GOMEMLIMIT", "value": "1GiB"}]
        env += [{"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
        assert self.shown(env=env)["env"] == [{"name": "A", "value": MASK}, *env[1:]]
        assert self.shown(natsEnv=env)["natsEnv"][0]["value"] == MASK
        assert self.shown(httpHeaders=env)["httpHeaders"][0]["value"] == MASK

    def test_arguments(self) -> None:
        given_ = ["/nats-server", "-c", "/etc/x/nats.conf", "--pass", "x", "--token=x", "-D=true"]
        assert self.shown(command=given_)["command"] == [
            "/nats-server",
            "-c",
            "/etc/x/nats.conf",
            "--pass",
            MASK,
            f"--token={MASK}",
            "-D=true",
        ]
        assert self.shown(args=["sh", "-c", "PASS=x y", 7])["args"] == [MASK, "-c", MASK, "7"]

    def test_flags_that_hold_no_secret(self) -> None:
        given_ = ["--cluster_advertise", "x-1.x-mgmt", "--feature-gates=A=true", "x-1.x-mgmt"]
        assert self.shown(args=given_)["args"] == [*given_[:3], MASK]

    def test_annotations(self) -> None:
        shown = self.shown(
            annotations={
                "kubectl.kubernetes.io/last-applied-configuration": "x",
                "nats.version": "2.14.5",
                "nats.io/revision": '{"version": "hash"}',
                "nats.io/refused": "digest password: x",
                "vault": "x",
            }
        )["annotations"]
        assert "kubectl.kubernetes.io/last-applied-configuration" not in shown
        assert shown["nats.version"] == "2.14.5"
        assert json.loads(shown["nats.io/revision"]) == {"version": plain.mark("hash")}
        assert shown["nats.io/refused"] == f"{plain.mark('digest')} password: {MASK}"
        assert shown["vault"] == plain.mark("x")

    @pytest.mark.parametrize("revision", ["x", "[1]"])
    def test_a_revision_that_is_none(self, revision: str) -> None:
        shown = self.shown(annotations={"nats.io/revision": revision})
        assert shown["annotations"] == {"nats.io/revision": plain.mark(revision)}

    @pytest.mark.parametrize("key", HOLDERS)
    @pytest.mark.parametrize("held", ["canary", ["canary"], {"a": "canary"}, [["canary"]]])
    def test_no_shape_gets_around_it(self, key: str, held: Any) -> None:
        """A template may hold anything."""
        assert "canary" not in json.dumps(self.shown(**{key: held}))

    @pytest.mark.parametrize("held", ["password: canary", ["canary"], {"a": "canary"}])
    def test_messages(self, held: Any) -> None:
        assert "canary" not in json.dumps(self.shown(message=held))

    def test_the_rest_stays(self) -> None:
        found = {"spec": {"size": 3, "auth": {"clientsAuthSecret": "users"}, "paused": False}}
        assert plain.manifest(found | {"managedFields": []}) == found

    def test_what_stands_in_clear_text(self) -> None:
        env = [{"name": "A", "value": "c4nary-env"}, {"name": "TZ", "value": "Europe/Berlin"}]
        found = {"spec": [{"env": env}, {"url": "nats://u:c4nary%20url@h"}, 3]}
        toleration = {"tolerations": [{"key": "a", "value": "dedicated-nodes"}]}
        expected = {"c4nary-env", "c4nary%20url", "c4nary url"}
        assert secrets_in(found | toleration) == expected


def test_configurations_and_answers_of_servers() -> None:
    found = {
        "authorization": {"users": [{"user": "u", "password": "x"}], "token": "x", "timeout": 2},
        "accounts": {"SYS": {"users": [{"nkey": "x"}]}},
        "cluster": {"routes": ["nats://u:x@h"]},
        "resolver_preload": {"A": "x"},
        "config_digest": "sha256:x",
        "port": 4222,
    }
    assert plain.nats(found) == {
        "authorization": {"users": [{"user": "u", "password": MASK}], "token": MASK, "timeout": 2},
        "accounts": {"SYS": {"users": [{"nkey": MASK}]}},
        "cluster": {"routes": [f"nats://u:{MASK}@h"]},
        "resolver_preload": {"A": MASK},
        "config_digest": MASK,
        "port": 4222,
    }


def test_the_representation_tells_nothing() -> None:
    assert "c4nary" not in repr(Redactor(b"c4nary", frozenset({"c4nary-text"})))
