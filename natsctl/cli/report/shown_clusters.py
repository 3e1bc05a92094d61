"""What a report shows of NatsClusters, NatsServiceRoles and of `natsctl status`.

Numbers and switches of the API are shown, and of its texts those that are named here: a new one is
masked until somebody decides that it holds no secret.
"""

from __future__ import annotations

import typing
from typing import Any, Final

import attrs

from natsctl.api.fields import fields_of
from natsctl.api.schema.structural import without_none
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.service_role import NatsServiceRoleSpec
from natsctl.cli.report.shapes import (
    ANY,
    MESSAGE,
    NAME,
    NUMBER,
    QUANTITY,
    TIME,
    WORD,
    Eyes,
    Fields,
    Leaf,
    Many,
    Shape,
    Special,
    fields,
    form,
)
from natsctl.cli.report.shown_objects import CLAIM_TEMPLATE
from natsctl.cli.report.shown_pods import MOUNTS, POD_SPEC, TOLERATIONS
from natsctl.cli.report.shown_values import (
    CONDITIONS,
    ENVIRONMENT,
    HIDDEN,
    LABELS,
    META,
    NAMES,
    RESOURCES,
    SELECTOR,
)
from natsctl.model.foreign import MASK

if typing.TYPE_CHECKING:
    from collections.abc import Mapping

URL = Leaf(
    form(r"(?:URL\()?[a-z][a-z0-9+.-]*://(?:[^\s/]*@)?[\w.\[\]:-]+(?:/[^\s]*)?|MEMORY").form,
    lambda eyes, text: _without_path(eyes.text(text)),
)
_PEERS = Many(
    Fields(
        {
            "podSelector": SELECTOR,
            "namespaceSelector": SELECTOR,
            "ipBlock": Fields({"cidr": NAME, "except": NAMES}),
        }
    )
)
_TEXTS: Final[Mapping[str, Shape]] = {
    **dict.fromkeys(("route", "url", "urls", "resolver"), URL),
    **dict.fromkeys(("publish", "subscribe"), ANY),
    **dict.fromkeys(("labels", "annotations", "nodeSelector"), LABELS),
    **fields(
        NAME,
        "bootconfigImage bootconfigImageTag cipherSuites clientsAuthFile clientsAuthSecret cluster "
        "clusterAuthSecret clusterName credentials curvePreferences expires gatewayAuthSecret "
        "gatewaySecret gatewaySecretCAFileName gatewaySecretCertFileName gatewaySecretKeyFileName "
        "handshakeTimeout leafnodeSecret leafnodeSecretCAFileName leafnodeSecretCertFileName "
        "leafnodeSecretKeyFileName metricsImage metricsImagePullPolicy metricsImageTag name "
        "reloaderImage reloaderImagePullPolicy reloaderImageTag routesSecret "
        "routesSecretCAFileName routesSecretCertFileName routesSecretKeyFileName secret "
        "serverImage serverVersion serverSecret serverSecretCAFileName serverSecretCertFileName "
        "serverSecretKeyFileName systemAccount version websocketSecret "
        "websocketSecretCAFileName websocketSecretCertFileName websocketSecretKeyFileName "
        "write_deadline",
    ).known,
    # Of JetStream: where a Secret has the key stays hidden, in case somebody wrote the key there.
    **fields(
        NAME,
        "cipher domain duplicateWindow maxSize resizePolicy size storageClassName syncInterval "
        "serverTagsFromNode uniqueTag whenDeleted whenScaled",
    ).known,
}
_NATIVE: Final[Mapping[str, Shape]] = {
    "natsEnv": ENVIRONMENT,
    "resources": RESOURCES,
    "reloaderResources": RESOURCES,
    "template": Fields({"metadata": META, "spec": POD_SPEC}),
    "tolerations": TOLERATIONS,
    "volumeClaimTemplate": CLAIM_TEMPLATE,
    "volumeMounts": MOUNTS,
    **fields(_PEERS, "clientsFrom monitoringFrom routesFrom gatewaysFrom leafnodesFrom").known,
}


def _without_path(shown: str) -> str:
    """A URL as far as its path: anybody may keep a secret in that."""
    scheme, slashes, rest = shown.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{host}{slash}{MASK if path else ''}"


def _class_shape(cls: type) -> Fields:
    return Fields({name: _field_shape(name, a) for name, a in fields_of(cls)})


def _field_shape(name: str, attribute: attrs.Attribute[Any]) -> Shape:
    hint = without_none(attribute.type)
    if name in _NATIVE:
        return _NATIVE[name]
    if typing.get_origin(hint) is tuple:
        item = typing.get_args(hint)[0]
        return Many(_class_shape(item) if attrs.has(item) else _TEXTS.get(name, HIDDEN))
    if attrs.has(hint):
        return _class_shape(hint)
    return NUMBER if hint in (bool, int, float) else _TEXTS.get(name, HIDDEN)


def _selection(eyes: Eyes, value: Any) -> Any:
    """The labels that select a cluster's pods."""
    shown = isinstance(value, str) and _SELECTION.fullmatch(value)
    return eyes.text(value) if shown else eyes.stow(value)


_SELECTION = form(r"app=nats,nats_cluster=[a-z0-9-]+").form
_VOLUME = (
    fields(NAME, "claim") | fields(QUANTITY, "size capacity used") | fields(NUMBER, "usedPercent")
)
_SERVER = (
    fields(NAME, "name version")
    | fields(NUMBER, "ready")
    | fields(MESSAGE, "message")
    | Fields({"volume": _VOLUME})
)
_CERTIFICATE = fields(NAME, "listener secret") | fields(TIME, "notAfter")
_JETSTREAM = (
    fields(NAME, "quorum metaLeader")
    | fields(NAMES, "mustStay")
    | Fields(
        {
            "groups": fields(NUMBER, "total healthy short leaderless"),
            "blocked": Many(
                fields(NAME, "why account stream consumer server")
                | fields(MESSAGE, "message")
                | fields(TIME, "since")
            ),
            "brokenBefore": Many(fields(NAME, "why account stream consumer server")),
            "waiting": fields(NAME, "server") | fields(TIME, "since") | fields(NUMBER, "reported"),
            "lent": fields(QUANTITY, "limit") | fields(TIME, "since below"),
            "storage": Many(fields(NAME, "server limit") | fields(NUMBER, "usedPercent")),
        }
    )
)
_STATUS = (
    fields(NAME, "phase currentVersion operator")
    | fields(NUMBER, "size readyReplicas observedGeneration controlPaused")
    | Fields(
        {
            "selector": Special(_selection),
            "conditions": CONDITIONS,
            "servers": Many(_SERVER),
            "certificates": Many(_CERTIFICATE),
            "jetstream": _JETSTREAM,
        }
    )
)
CLUSTER = fields(NAME, "apiVersion kind") | Fields(
    {"metadata": META, "spec": _class_shape(NatsClusterSpec), "status": _STATUS}
)
ROLE = fields(NAME, "apiVersion kind") | Fields(
    {
        "metadata": META,
        "spec": _class_shape(NatsServiceRoleSpec),
        "status": fields(NUMBER, "observedGeneration")
        | Fields(
            {
                "conditions": CONDITIONS,
                "serviceAccounts": Many(fields(NAME, "namespace name user secret")),
            }
        ),
    }
)
VIEW = (
    _STATUS
    | fields(NAME, "namespace name wantedVersion")
    | fields(NUMBER, "ready paused wantedSize generation")
    | fields(MESSAGE, "operatorProblem")
    | Fields(
        {
            "created": TIME,
            "servers": Many(
                _SERVER
                | fields(NAME, "state node address")
                | fields(NUMBER, "restarts routes foreignRoutes connections")
                | fields(TIME, "created")
            ),
            "certificates": Many(
                _CERTIFICATE
                | fields(MESSAGE, "problem")
                | Fields({"names": Many(form(r"[\w.*:-]+"))})
            ),
            "differences": Many(Fields({"subjects": Many(MESSAGE), "message": MESSAGE})),
            "events": Many(
                fields(WORD, "type reason")
                | fields(MESSAGE, "subject message")
                | Fields({"time": TIME, "count": NUMBER})
            ),
            "notes": Many(MESSAGE),
        }
    )
)
