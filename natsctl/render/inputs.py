"""What a cluster's configuration needs beyond its spec: what Secrets and other objects hold."""

from collections.abc import Mapping
from typing import Final

import attrs
from attrs import frozen

from natsctl.api.fields import Json
from natsctl.api.types.jetstream import Encryption
from natsctl.model.store_files import FIRST

STREAM_KEY: Final = "jetstream.key"
"""Of a digest: what streams are encrypted with, where the key itself is in a user's Secret."""


@frozen
class Login:
    """User and password of routes, or of gateways."""

    user: str
    password: str = attrs.field(repr=False)


@frozen
class Files:
    """Names of the files of one listener's certificates: keys of its Secret, or absolute paths.

    No CA: certificates of the other side are not checked, or against the system's own CAs.
    """

    cert: str
    key: str
    ca: str | None = None


@frozen
class Neighbour:
    """Another NatsCluster of the namespace, as `extraRoutes` reaches it."""

    size: int
    login: Login | None = None
    encrypted: bool = False


@frozen
class OperatorPods:
    """Where the operator's pods are found. No namespace: in that of the cluster."""

    namespace: str = ""
    labels: Mapping[str, str] = attrs.field(
        factory=lambda: {"app.kubernetes.io/name": "nats-operator"}
    )


@frozen
class Former:
    """Digests of what is sealed in the form of an earlier natsctl: pods and claims may have these.

    `seal` tells what they are keyed with; `digests` are by path, of what is wanted now. One that is
    not here is compared with none.
    """

    seal: str = ""
    digests: Mapping[str, str] = attrs.field(factory=dict)


@frozen
class EarlierKey:
    """What a server encrypts with whose volume is still under an earlier key, or under none.

    `encryption` is what the spec said then; None: nothing is encrypted. `key` is empty if it is
    not known: then the server does not start. `sealed` is its digest, as the pod has it.
    """

    encryption: Encryption | None
    key: str = attrs.field(default="", repr=False)
    sealed: str = ""
    suffix: str = FIRST

    @property
    def is_known(self) -> bool:
        """Whether a server can start with it."""
        return self.encryption is None or bool(self.key)


@frozen
class ConfigInputs:
    """Everything that rendering takes from outside the spec.

    `authorization` is nats-server's block of the clients; None if the spec asks for none, or if
    nobody is allowed in. `system` is the public nkey of the operator's user in the system account
    `account`; empty: the operator has none. `files` is by listener (`tls.LISTENERS`); a listener
    without an entry has the names of the spec. `neighbours` are by name. `sealed` is a digest,
    keyed with a secret of the operator's, of everything here that no spec field tells, and `seal`
    tells that secret from others; `former` are the same as an earlier natsctl made them.
    `jetstream_key` is what streams are encrypted with, and `suffix` that of the files with it
    (`store_files`).
    `volume`: bytes that volumes are to have because one has grown by itself; 0: as the spec says.
    `capacity`: bytes of the cluster's smallest volume; 0: not known, so the spec's counts. `share`:
    per cent of it that streams take by default; 0: as the version says. `kept_file`, `kept_memory`:
    limits of the stores that stay although lower ones are wanted; 0: none does. `lent_file`: a
    higher one that servers have for the time being.
    `operator` says whom NetworkPolicies always let in.
    """

    authorization: Json | None = attrs.field(default=None, repr=False)
    routes: Login | None = None
    gateways: Login | None = None
    system: str = ""
    account: str = "$SYS"
    files: Mapping[str, Files] = attrs.field(factory=dict)
    neighbours: Mapping[str, Neighbour] = attrs.field(factory=dict)
    sealed: Mapping[str, str] = attrs.field(factory=dict)
    seal: str = ""
    former: Former = attrs.field(factory=Former)
    jetstream_key: str = attrs.field(default="", repr=False)
    volume: int = 0
    suffix: str = FIRST
    capacity: int = 0
    share: int = 0
    kept_file: int = 0
    kept_memory: int = 0
    lent_file: int = 0
    operator: OperatorPods = attrs.field(factory=OperatorPods)


@frozen
class Images:
    """Images of the sidecars where the spec names none."""

    reloader: str = "connecteverything/nats-server-config-reloader:0.4.5-v1alpha2"
    bootconfig: str = "connecteverything/nats-boot-config:0.5.2"
    metrics: str = "natsio/prometheus-nats-exporter:0.20.1"
