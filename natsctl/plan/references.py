"""Everything outside a NatsCluster that its configuration depends on."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.version import ServerVersion
from natsctl.model.objects import Secret, ServiceRole
from natsctl.plan.digests import Compared
from natsctl.plan.namespaces import Labels, NamespacePolicy
from natsctl.render.inputs import OperatorPods

Key = tuple[str, str]
"""Namespace and name."""


@attrs.frozen
class ServiceAccount:
    """A ServiceAccount: where it is, and which one of that name."""

    namespace: str
    uid: str


@attrs.frozen
class References:
    """Everything outside the NatsCluster itself that its configuration depends on.

    `secrets` are those the spec names (None: there is none), `accounts` are ServiceAccounts by
    name, `tokens` the sealed bound-token Secrets by namespace and name, `switched` those among
    them whose new token counts by now; `proven` are tokens that could not be sealed, and yet are
    known to be right. `namespaces` says whose ServiceAccounts may count; `labels` are those of the
    namespaces of such ServiceAccounts (None: not known). `uid` is the cluster's
    own, `sealing` the key of the seals. `joined` is the name of the cluster that `extraRoutes`
    lead to (`naming.joined_name`). `minute` is the next full one (RFC 3339).
    `version` is that of the spec. `system` is the operator's user in this cluster, and `signs` says
    that the operator has its key. `pepper` keys the digests of what is secret, and `compared` says
    which of it was compared with digests of an earlier natsctl. `operator` says where the operator
    itself is found.
    """

    secrets: Mapping[str, Secret | None] = attrs.field(factory=dict)
    roles: tuple[ServiceRole, ...] = ()
    accounts: Mapping[str, tuple[ServiceAccount, ...]] = attrs.field(factory=dict)
    tokens: Mapping[Key, Secret] = attrs.field(factory=dict)
    switched: frozenset[Key] = frozenset()
    proven: Mapping[Key, str] = attrs.field(factory=dict, repr=False)
    namespaces: NamespacePolicy = attrs.field(factory=NamespacePolicy)
    labels: Labels | None = None
    uid: str = ""
    sealing: bytes = attrs.field(default=b"", repr=False)
    neighbours: Mapping[str, NatsClusterSpec] = attrs.field(factory=dict)
    joined: str | None = None
    version: ServerVersion | None = None
    minute: str = ""
    system: str = ""
    signs: bool = True
    pepper: bytes = attrs.field(default=b"", repr=False)
    compared: Compared = attrs.field(factory=Compared, eq=False)
    operator: OperatorPods = attrs.field(factory=OperatorPods)
