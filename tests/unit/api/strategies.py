"""Specs that hypothesis makes up: any that our own schema allows, with values that look right.

What such a spec has beside what it must not be beside is left out again in `valid_specs`.
"""

import copy
import re
from typing import Any

from hypothesis import strategies as st

from natsctl.api.checks.tls import cipher_suites, curve_preferences
from natsctl.api.checks.validate import validate
from natsctl.api.fields import Json
from natsctl.api.parse import parse_spec
from natsctl.api.schema.structural import object_schema
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.version import ServerVersion
from tests.unit.api.jwts import ACCOUNT, ACCOUNT_JWT, OTHER_ACCOUNT, OTHER_JWT

WORDS = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LABELS = st.dictionaries(WORDS.map(lambda word: f"x-{word}"), WORDS, max_size=3)
VERSIONS = st.sampled_from(
    ["1.4.1", "2.0.0", "v2.1.9", "2.2.6", "2.9.25-alpine3.18", "2.10.29", "2.14.10", "nightly"]
)
JETSTREAM_VERSIONS = st.sampled_from(["2.9.25", "2.10.29", "2.12.15", "2.14.10", "2.15.3"])
DURATIONS = st.sampled_from(["0", "2s", "1m30s", "1.5h", "300ms"])
ROUTES = st.sampled_from(["nats://host:6222", "tls://u:p@10.0.0.1:6222", "nats-route://[::1]:1"])
QUANTITIES = st.one_of(st.integers(0, 9), st.sampled_from(["100m", "64Mi", "1.5", "2e3"]))
RESOURCES = st.fixed_dictionaries(
    {}, optional={"limits": st.dictionaries(WORDS, QUANTITIES, max_size=2)}
)
ENVIRONMENT = st.lists(
    st.fixed_dictionaries({"name": WORDS.map(str.upper)}, optional={"value": TEXTS}), max_size=3
)
MOUNTS = st.lists(
    st.fixed_dictionaries({"name": WORDS, "mountPath": WORDS.map(lambda w: f"/data/{w}")}),
    max_size=2,
)
SECURITY = st.fixed_dictionaries(
    {},
    optional={
        "runAsUser": st.integers(0, 2000),
        "privileged": st.booleans(),
        "capabilities": st.fixed_dictionaries(
            {}, optional={"add": st.lists(st.sampled_from(["SYS_ADMIN", "KILL"]), max_size=2)}
        ),
    },
)
POD_SECURITY = st.fixed_dictionaries({}, optional={"runAsUser": st.integers(0, 2000)})
CONTAINER: dict[str, st.SearchStrategy[Any]] = {
    "env": ENVIRONMENT,
    "volumeMounts": MOUNTS,
    "resources": RESOURCES,
    "securityContext": SECURITY,
    "args": st.lists(TEXTS, max_size=2),
    "readinessProbe": st.just({"exec": {"command": ["true"]}}),
}
TEMPLATES = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.fixed_dictionaries({}, optional={"labels": LABELS, "annotations": LABELS}),
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "containers": st.lists(
                    st.fixed_dictionaries(
                        {"name": st.sampled_from(["nats", "a", "b"])}, optional=CONTAINER
                    ),
                    unique_by=lambda container: container["name"],
                ),
                "volumes": st.lists(
                    st.fixed_dictionaries({"name": WORDS.map(lambda word: f"x-{word}")}),
                    unique_by=lambda volume: volume["name"],
                    max_size=2,
                ),
                "securityContext": POD_SECURITY,
                "terminationGracePeriodSeconds": st.integers(0, 600),
                "serviceAccountName": WORDS,
            },
        ),
    },
)
EXTRA_ROUTES = st.one_of(
    st.fixed_dictionaries({"route": ROUTES}), st.fixed_dictionaries({"cluster": WORDS})
)
URLS = st.sampled_from(
    ["nats://h:7522", "tls://10.0.0.1:1", "nats://u:p%40@[::1]:7422", "nats-leaf://a.b_c:65535"]
)
WEBSOCKET_URLS = st.sampled_from(["ws://h:80/leaf", "wss://[::1]:443"])
FILE_KINDS = {"CAFileName": "ca", "CertFileName": "cert", "KeyFileName": "key"}
PORTS = st.sampled_from([0, 7222, 7422, 7522, 8080, 9222, 4222, 7777, 1, 65535])
SECONDS = st.one_of(st.integers(0, 60), st.floats(0, 60, allow_nan=False))
CIPHER_SUITES = sorted(
    {suite for v in ("2.1.9", "2.14.10") for suite in cipher_suites(ServerVersion.parse(v))}
)
OPERATORS = st.one_of(
    st.fixed_dictionaries(
        {
            "secret": WORDS,
            "resolver": st.sampled_from(["MEMORY", "MEM"]),
            "resolverPreload": st.just({ACCOUNT: ACCOUNT_JWT, OTHER_ACCOUNT: OTHER_JWT}),
        },
        optional={"systemAccount": st.just(ACCOUNT)},
    ),
    st.fixed_dictionaries(
        {"secret": WORDS, "resolver": st.just("URL(http://127.0.0.1:9090/jwt/v1/accounts/)")},
        optional={"systemAccount": st.just(ACCOUNT)},
    ),
    st.fixed_dictionaries({}, optional={"secret": WORDS, "systemAccount": TEXTS}),
)
REMOTE_URLS: dict[str, st.SearchStrategy[Any]] = {
    "url": URLS,
    "urls": st.lists(URLS | WEBSOCKET_URLS, max_size=3),
}
SELECTORS: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {},
    optional={
        "matchLabels": LABELS,
        "matchExpressions": st.lists(
            st.one_of(
                st.fixed_dictionaries(
                    {
                        "key": WORDS,
                        "operator": st.sampled_from(["In", "NotIn"]),
                        "values": st.lists(WORDS, min_size=1, max_size=2),
                    }
                ),
                st.fixed_dictionaries(
                    {"key": WORDS, "operator": st.sampled_from(["Exists", "DoesNotExist"])},
                    optional={"values": st.just([])},
                ),
            ),
            max_size=2,
        ),
    },
)
PEERS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"podSelector": SELECTORS}),
        st.fixed_dictionaries(
            {"namespaceSelector": SELECTORS}, optional={"podSelector": SELECTORS}
        ),
        st.sampled_from(
            [
                {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
                {"ipBlock": {"cidr": "2001:db8::/32", "except": []}},
                {"ipBlock": {"cidr": "192.0.2.0/24"}},
            ]
        ),
    ),
    max_size=2,
)
SIZES = st.sampled_from(["1Gi", "1.5G", "512Mi", "1e9", "2000000000"])
JETSTREAM = st.fixed_dictionaries(
    {},
    optional={
        "domain": WORDS,
        "fileStore": st.fixed_dictionaries(
            {},
            optional={
                "pvc": st.fixed_dictionaries(
                    {}, optional={"size": st.just("10Gi"), "storageClassName": WORDS}
                ),
                "volumeClaimTemplate": st.fixed_dictionaries(
                    {}, optional={"metadata": st.fixed_dictionaries({"labels": LABELS})}
                ),
                "maxSize": SIZES,
                "resizePolicy": st.sampled_from(["InPlace", "Replace", "Manual"]),
                "growth": st.fixed_dictionaries(
                    {"maxSize": st.sampled_from(["10Gi", "1Ti", "20G"])},
                    optional={
                        "thresholdPercent": st.integers(50, 90),
                        "stepPercent": st.integers(10, 100),
                    },
                ),
            },
        ),
        "memoryStore": st.fixed_dictionaries({"maxSize": SIZES}),
        "encryption": st.fixed_dictionaries(
            {"secret": WORDS},
            optional={"key": WORDS, "cipher": st.sampled_from(["chacha", "aes"])},
        ),
        "uniqueTag": st.sampled_from(["zone:", "hostname:", "x:"]),
        "limits": st.fixed_dictionaries(
            {},
            optional={
                "maxAckPending": st.integers(1, 10**6),
                "maxHaAssets": st.integers(1, 10**6),
                "maxRequestBatch": st.integers(1, 10**6),
                "duplicateWindow": st.sampled_from(["2s", "1m30s", "1.5h", "300ms"]),
            },
        ),
        "syncInterval": DURATIONS | st.just("always"),
    },
)
NODE_LABELS = (
    *("topology.kubernetes.io/zone", "topology.kubernetes.io/region", "kubernetes.io/hostname"),
    *("example.com/Rack", "rack", "x"),
)
# Fields that others depend on: there half of the time.
USUAL = {
    *("auth", "tls", "pod", "networkPolicy", "gatewayConfig", "leafnodeConfig", "websocketConfig"),
    *("serverSecret", "routesSecret", "gatewaySecret", "leafnodeSecret", "websocketSecret"),
    *("verify", "cipherSuites", "clientsAuthSecret", "enableServiceAccounts"),
    *("advertiseExternalIP", "enableConfigReload", "enableMetrics", "serverTagsFromNode"),
}
# What bounds and types alone do not say, by JSON path.
KNOWN: dict[str, st.SearchStrategy[Any]] = {
    "spec.size": st.integers(0, 9),
    "spec.version": VERSIONS,
    "spec.serverImage": st.sampled_from(
        ["nats", "registry:5000/team/nats", f"nats@sha256:{'a' * 64}"]
    ),
    "spec.useServerName": st.just(False),
    "spec.lameDuckDurationSeconds": st.integers(30, 600),
    "spec.extraRoutes": st.lists(EXTRA_ROUTES, max_size=3),
    "spec.clusterName": WORDS,
    "spec.template": TEMPLATES,
    "spec.natsConfig.write_deadline": DURATIONS,
    "spec.natsConfig.maxPayload": st.integers(0, 2**20),
    "spec.natsConfig.maxPending": st.integers(2**20, 2**40),
    "spec.tls.cipherSuites": st.lists(st.sampled_from(CIPHER_SUITES), max_size=3),
    "spec.tls.curvePreferences": st.lists(
        st.sampled_from(curve_preferences(ServerVersion.parse("2.14.10"))), max_size=2
    ),
    "spec.auth.clientsAuthFile": st.sampled_from(["users.json", "auth/users.json", "/a/b c", ""]),
    "spec.auth.clientsAuthTimeout": st.integers(0, 60),
    "spec.auth.clusterAuthTimeout": st.integers(0, 60),
    "spec.auth.gatewayAuthTimeout": st.integers(0, 60),
    "spec.gatewayConfig": st.fixed_dictionaries(
        {"name": WORDS, "hostPort": PORTS},
        optional={
            "rejectUnknown": st.booleans(),
            "gateways": st.lists(
                st.fixed_dictionaries({"name": WORDS}, optional=REMOTE_URLS), max_size=3
            ),
        },
    ),
    "spec.leafnodeConfig": st.fixed_dictionaries(
        {},
        optional={
            "hostPort": PORTS,
            "remotes": st.lists(
                st.fixed_dictionaries(
                    {}, optional={**REMOTE_URLS, "credentials": st.sampled_from(["/c/u.creds", ""])}
                ),
                max_size=3,
            ),
        },
    ),
    "spec.websocketConfig": st.fixed_dictionaries(
        {"port": PORTS},
        optional={
            "no_tls": st.booleans(),
            "compression": st.booleans(),
            "handshakeTimeout": DURATIONS,
        },
    ),
    "spec.operatorConfig": OPERATORS,
    **{
        f"spec.networkPolicy.{whose}From": PEERS
        for whose in ("clients", "monitoring", "routes", "gateways", "leafnodes")
    },
    "spec.jetstream": JETSTREAM,
    "spec.serverTags": st.lists(WORDS.map(lambda word: f"x:{word}"), max_size=2, unique=True),
    "spec.serverTagsFromNode": st.lists(st.sampled_from(NODE_LABELS), max_size=3, unique=True),
    "spec.pod.resources": RESOURCES,
    "spec.pod.natsEnv": ENVIRONMENT,
    "spec.pod.volumeMounts": MOUNTS,
    "spec.pod.tolerations": st.lists(
        st.fixed_dictionaries({}, optional={"key": WORDS, "tolerationSeconds": st.integers(0, 9)}),
        max_size=2,
    ),
}


def specs() -> st.SearchStrategy[Json]:
    """Raw specs, as a manifest has them."""
    return _instances(object_schema(NatsClusterSpec), "spec")


def valid_specs(versions: st.SearchStrategy[str] = VERSIONS) -> st.SearchStrategy[Json]:
    """Raw specs without a problem and without JetStream, of some of these versions."""
    drawn = st.builds(lambda raw, version: {**raw, "version": version}, specs(), versions)
    return drawn.map(lambda raw: without_problems(_without(raw, "jetstream")))


def _without(raw: Json, field: str) -> Json:
    return {name: value for name, value in raw.items() if name != field}


def jetstream_specs() -> st.SearchStrategy[Json]:
    """The same with JetStream."""
    drawn = st.builds(
        lambda raw, jetstream, version: {**raw, "jetstream": jetstream, "version": version},
        specs(),
        JETSTREAM,
        JETSTREAM_VERSIONS,
    )
    return drawn.map(lambda raw: without_problems(raw))


def without_problems(raw: Json) -> Json:
    """The spec without the fields that are complained of, until none is."""
    rest = copy.deepcopy(raw)
    while problems := validate("c", parse_spec(rest)):
        _drop(rest, re.findall(r"[^.\[\]]+", problems[0].path)[1:])
    return rest


def _drop(holder: Any, steps: list[str]) -> None:
    """Take away what is there, or else the least that would have had it."""
    at: Any = int(steps[0]) if isinstance(holder, list) else steps[0]
    inner = holder[at]
    there = len(steps) > 1 and (
        int(steps[1]) < len(inner) if isinstance(inner, list) else steps[1] in inner
    )
    if there:
        _drop(inner, steps[1:])
    else:
        del holder[at]


def _instances(schema: Json, path: str) -> st.SearchStrategy[Any]:
    if path in KNOWN:
        return KNOWN[path]
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _BY_TYPE[schema["type"]](schema, path)


def _objects(schema: Json, path: str) -> st.SearchStrategy[Any]:
    if "properties" not in schema:
        return LABELS
    fields = {
        name: _instances(field, f"{path}.{name}") for name, field in schema["properties"].items()
    }
    required = {name: fields.pop(name) for name in schema.get("required", [])}
    usual = {name: fields.pop(name) for name in USUAL & set(fields)}
    few = st.sets(st.sampled_from(sorted(fields)), max_size=6) if fields else st.just(set())
    return few.flatmap(
        lambda chosen: st.fixed_dictionaries(
            required | {name: fields[name] for name in chosen}, optional=usual
        )
    )


def _arrays(schema: Json, path: str) -> st.SearchStrategy[Any]:
    return st.lists(_instances(schema["items"], path), max_size=2)


def _integers(schema: Json, path: str) -> st.SearchStrategy[Any]:
    return st.integers(schema.get("minimum", -(2**63)), schema.get("maximum", 2**63 - 1))


def _numbers(schema: Json, path: str) -> st.SearchStrategy[Any]:
    return SECONDS


def _strings(schema: Json, path: str) -> st.SearchStrategy[Any]:
    for ending, kind in FILE_KINDS.items():
        if path.endswith(ending):
            return st.sampled_from(["", f"{kind}.pem", f"my_{kind}.1", f"/etc/other/{kind}"])
    return WORDS if path.endswith("Secret") else TEXTS


def _booleans(schema: Json, path: str) -> st.SearchStrategy[Any]:
    return st.booleans()


_BY_TYPE = {
    "object": _objects,
    "array": _arrays,
    "integer": _integers,
    "number": _numbers,
    "string": _strings,
    "boolean": _booleans,
}
