"""Nothing that is secret gets through; the rest stays readable."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from natsctl.cli.report.redact import Redactor, secrets_in, secrets_of
from natsctl.cli.report.shapes import MESSAGE, Fields, Many, Shape
from natsctl.cli.report.shown_clusters import CLUSTER, URL
from natsctl.cli.report.shown_objects import EVENT
from natsctl.cli.report.shown_pods import CONTAINER, POD, POD_SPEC
from natsctl.cli.report.shown_servers import CONFIG, VARZ
from natsctl.cli.report.shown_values import ANNOTATIONS, ARGUMENTS, ENVIRONMENT, HIDDEN, LABELS
from natsctl.model.foreign import MASK

CANARY = "c4nary/+ in \"a\" 'cage'"
HOLDERS: dict[str, Shape] = {
    "annotations": ANNOTATIONS,
    "labels": LABELS,
    "variables": ENVIRONMENT,
    "arguments": ARGUMENTS,
    "hidden": HIDDEN,
    "log": MESSAGE,
    "url": URL,
    "cluster": CLUSTER,
    "pod": POD,
    "event": EVENT,
    "config": CONFIG,
    "varz": VARZ,
}
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
        config: dict[str, Any] = {"users": [{"username": "somebody", "password": "c4nary-json"}]}
        config |= {"cluster": {"routes": ["nats://u:c4nary-url@h"]}}
        config |= {"accounts": {"A": {"users": [{"nkey": "c4nary-nkey"}]}}}
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
    def test_variables_and_headers(self) -> None:
        env: list[dict[str, Any]] = [
            {"name": "A", "value": "x"},
            {"name": "GOMEMLIMIT", "value": "1GiB"},
        ]
        env += [{"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
        get = {"port": 80, "httpHeaders": env[:1]}
        found = {"env": env, "livenessProbe": {"httpGet": get}}
        shown = plain.shown(CONTAINER, found)
        assert shown["env"] == [{"name": "A", "value": MASK}, *env[1:]]
        assert shown["livenessProbe"]["httpGet"]["httpHeaders"] == [{"name": "A", "value": MASK}]

    def test_arguments(self) -> None:
        given_ = ["/nats-server", "-c", "/etc/x/nats.conf", "--pass", "x", "--token=x", "-D=true"]
        assert plain.shown(ARGUMENTS, given_) == [
            "/nats-server",
            "-c",
            "/etc/x/nats.conf",
            "--pass",
            MASK,
            f"--token={MASK}",
            "-D=true",
        ]
        assert plain.shown(ARGUMENTS, ["sh", "-c", "PASS=x y", 7]) == [MASK, "-c", MASK, "7"]

    def test_flags_that_hold_no_secret(self) -> None:
        given_ = ["--cluster_advertise", "x-1.x-mgmt", "--feature-gates=A=true", "x-1.x-mgmt"]
        assert plain.shown(ARGUMENTS, given_) == [*given_[:3], MASK]

    def test_annotations(self) -> None:
        shown = plain.shown(
            ANNOTATIONS,
            {
                "kubectl.kubernetes.io/last-applied-configuration": "x",
                "nats.version": "2.14.5",
                "nats.io/revision": '{"version": "hash"}',
                "nats.io/refused": "digest password: x",
                "vault": "x",
            },
        )
        assert "kubectl.kubernetes.io/last-applied-configuration" not in shown
        assert shown["nats.version"] == "2.14.5"
        assert json.loads(shown["nats.io/revision"]) == {"version": plain.mark("hash")}
        assert shown["nats.io/refused"] == f"{plain.mark('digest')} password: {MASK}"
        assert shown["vault"] == plain.mark("x")

    @pytest.mark.parametrize("revision", ["x", "[1]", "[" * 100_000])
    def test_a_revision_that_is_none(self, revision: str) -> None:
        shown = plain.shown(ANNOTATIONS, {"nats.io/revision": revision})
        assert shown == {"nats.io/revision": plain.mark(revision)}

    def test_labels_of_others_are_marked_wherever_they_select(self) -> None:
        found = {"nats_cluster": "x", "owner": "joe"}
        labels = {"nats_cluster": "x", "owner": plain.mark("joe")}
        term = {"matchExpressions": [{"key": "owner", "operator": "In", "values": ["joe"]}]}
        terms = {"nodeSelectorTerms": [term]}
        node = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
        shown = plain.shown(POD_SPEC, {"nodeSelector": found, "affinity": node})
        assert shown["nodeSelector"] == labels
        assert plain.mark("joe") in json.dumps(shown["affinity"])
        assert "joe" not in json.dumps(shown)

    @pytest.mark.parametrize("shape", HOLDERS.values(), ids=HOLDERS)
    @pytest.mark.parametrize(
        "held",
        ["password: canary", ["canary"], {"a": "canary"}, [["canary"]], {"canary b": {"c": 1}}],
        ids=["text", "list", "object", "nested", "key"],
    )
    def test_no_shape_gets_around_it(self, shape: Shape, held: Any) -> None:
        """A template may hold anything."""
        assert "canary" not in json.dumps(plain.shown(shape, held))

    def test_what_nobody_knows_keeps_its_name(self) -> None:
        found = {"spec": {"size": 3, "sise": 3, "natsConfig": {"debug": True, "pass": {"x": "y"}}}}
        assert plain.shown(CLUSTER, found) == {
            "spec": {"size": 3, "sise": MASK, "natsConfig": {"debug": True, "pass": MASK}}
        }

    def test_a_known_field_of_another_form(self) -> None:
        found = {"metadata": {"name": "canary and more"}, "spec": {"size": "canary"}}
        shown = plain.shown(CLUSTER, found | {"kind": ["canary"]})
        assert shown == {"metadata": {"name": MASK}, "spec": {"size": MASK}, "kind": MASK}

    def test_urls_up_to_their_path(self) -> None:
        routes = [{"route": "nats://u:pw@h:6222/canary"}, {"route": "nats://h:6222"}]
        shown = plain.shown(CLUSTER, {"spec": {"extraRoutes": routes}})
        assert shown["spec"]["extraRoutes"] == [
            {"route": "nats://u:***@h:6222/***"},
            {"route": "nats://h:6222"},
        ]

    def test_the_rest_stays(self) -> None:
        auth, tls = {"clientsAuthSecret": "users"}, {"serverSecret": "certs", "verify": True}
        resources = {"limits": {"cpu": "500m", "memory": 1024}}
        spec = {"size": 3, "version": "2.14.5-alpine", "auth": auth, "tls": tls, "paused": False}
        container = {"name": "nats", "image": "a.example/b:1@sha256:abc", "resources": resources}
        volume = {"name": "v", "secret": {"secretName": "s", "defaultMode": 420}}
        template = {"spec": {"containers": [container], "volumes": [volume]}}
        condition: dict[str, Any] = {
            "type": "Ready",
            "status": "True",
            "message": "all 3 servers are ready",
        }
        condition |= {"lastTransitionTime": "2026-11-23T11:00:00Z", "observedGeneration": 2}
        server = {"name": "x-1", "version": "2.14.5", "ready": True, "message": ""}
        status = {"phase": "Running", "conditions": [condition], "servers": [server]}
        found = {"spec": spec | {"template": template}, "status": status}
        assert plain.shown(CLUSTER, found) == found

    def test_what_stands_in_clear_text(self) -> None:
        env = [{"name": "A", "value": "c4nary-env"}, {"name": "TZ", "value": "Europe/Berlin"}]
        container = {"name": "c-contained", "env": env, "command": ["sh", "c4nary-argument"]}
        labels = {"team": "dedicated-nodes"}
        spec = {"containers": [container], "nodeSelector": labels, "unknown": "c4nary-unknown"}
        spec |= {"typo": "c-contained", "twice": "line-number-1\nc4nary-line"}
        found = {"metadata": {"labels": labels}, "spec": spec}
        assert secrets_in(POD, found) == {
            "c4nary-env",
            "c4nary-argument",
            "c4nary-unknown",
            "line-number-1\nc4nary-line",
            "line-number-1",
            "c4nary-line",
        }

    def test_passwords_of_urls(self) -> None:
        url = {"spec": {"extraRoutes": [{"route": "nats://u:c4nary%20url@h"}]}}
        assert secrets_in(CLUSTER, url) == {"c4nary%20url", "c4nary url"}


def test_the_stores_that_a_spec_asks_for_are_shown() -> None:
    stores: dict[str, Any] = {
        "domain": "hub",
        "fileStore": {
            "pvc": {"size": "10Gi", "storageClassName": "fast"},
            "maxSize": "7Gi",
            "volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"]}},
        },
        "memoryStore": {"maxSize": "1Gi"},
        "encryption": {"secret": "js-key", "key": "c4nary-key", "cipher": "aes"},
        "limits": {"duplicateWindow": "2m", "maxHaAssets": 5},
        "syncInterval": "always",
    }
    policy = {"whenDeleted": "Retain", "whenScaled": "Delete"}
    found = {"spec": {"jetstream": stores, "persistentVolumeClaimRetentionPolicy": policy}}
    shown = plain.shown(CLUSTER, found)
    assert shown["spec"]["jetstream"].pop("encryption")["key"] == MASK
    stores.pop("encryption")
    assert shown == found


def test_configurations_of_servers() -> None:
    user = {"user": "u", "permissions": {"publish": {"allow": ["a.>"]}, "subscribe": "b"}}
    found = {
        "authorization": {"users": [user | {"password": "x"}], "token": "x", "timeout": 2},
        "accounts": {"SYS": {"users": [{"nkey": "x"}]}},
        "cluster": {"routes": ["nats://u:x@h"]},
        "resolver_preload": {"A": "x"},
        "port": 4222,
        "unknown": 4222,
    }
    assert plain.shown(CONFIG, found) == {
        "authorization": {"users": [user | {"password": MASK}], "token": MASK, "timeout": 2},
        "accounts": {"SYS": {"users": [{"nkey": MASK}]}},
        "cluster": {"routes": [f"nats://u:{MASK}@h"]},
        "resolver_preload": MASK,
        "port": 4222,
        "unknown": MASK,
    }


def test_answers_of_servers() -> None:
    found: dict[str, Any] = {
        "version": "2.14.5",
        "uptime": "1h2m3s",
        "cluster": {"urls": ["10.0.0.1:6222"]},
    }
    found |= {"write_deadline": 10_000_000_000, "cpu": 0.5, "http_req_stats": {"/varz": 3}}
    hidden = {"config_digest": "sha256:x", "tags": ["x"], "metadata": {"x": "y"}}
    assert plain.shown(VARZ, found | hidden) == found | dict.fromkeys(hidden, MASK)


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["metadata", "spec", "containers", "env", "labels", "x"])
                | st.text(),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_anything_can_be_shown(found: Any) -> None:
    for shape in (POD, CLUSTER, CONFIG, Many(Fields({}))):
        json.dumps(plain.shown(shape, found))
        secrets_in(shape, found)


def test_the_representation_tells_nothing() -> None:
    assert "c4nary" not in repr(Redactor(b"c4nary", frozenset({"c4nary-text"})))
