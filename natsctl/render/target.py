"""What every builder needs to know of the cluster it renders."""

from collections.abc import Mapping

import attrs
from attrs import frozen

from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.version import ServerVersion
from natsctl.model.server_identity import server_name
from natsctl.render.inputs import STREAM_KEY, ConfigInputs, EarlierKey, Images


@frozen
class Target:
    """One NatsCluster and the version that its servers are to run.

    The version stands apart from the spec because an unset one keeps what the cluster has.
    So does whether the servers have the cluster's name as their own (`running_named` tells):
    a server with another name than its peers would lose them. None lets the spec decide.
    `joined` is the name that they were created with instead of it, to join another cluster.
    `kept` are names of pods that the Go operator made, by index. `open_leaves`: its servers of an
    earlier natsctl let leaf nodes in without a login, until they restart for another reason.
    `origins` are of servers, by index, that have data under the name which an earlier NatsCluster
    gave them (`server_identity.origin`): they keep it.
    `earlier` are keys of servers, by index, whose volumes are not encrypted as the spec says now.
    `platform_assigned_ids` is what the installation says for all of its clusters.
    """

    namespace: str
    name: str
    uid: str
    spec: NatsClusterSpec
    version: ServerVersion
    named: bool | None = None
    inputs: ConfigInputs = attrs.field(factory=ConfigInputs)
    images: Images = attrs.field(factory=Images)
    kept: Mapping[int, str] = attrs.field(factory=dict)
    joined: str | None = None
    open_leaves: bool = False
    platform_assigned_ids: bool = False
    origins: Mapping[int, str] = attrs.field(factory=dict)
    earlier: Mapping[int, EarlierKey] = attrs.field(factory=dict)

    def server_name(self, index: int) -> str:
        """What a new server calls itself, unless its user names it."""
        return server_name(self.name, self.origins.get(index, self.uid), index)

    def earlier_of(self, index: int) -> EarlierKey | None:
        """What this server encrypts with, if it is not what the spec says now."""
        return self.earlier.get(index)

    def of_server(self, index: int) -> "Target":
        """The same with the encryption of this server."""
        known = self.earlier_of(index)
        return self if known is None else self.with_key(known)

    def with_key(self, known: EarlierKey) -> "Target":
        """The same with another encryption for all servers."""
        jetstream = self.spec.jetstream
        assert jetstream is not None  # else nobody stores anything
        others = {path: text for path, text in self.inputs.sealed.items() if path != STREAM_KEY}
        sealed = others | ({STREAM_KEY: known.sealed} if known.sealed else {})
        return attrs.evolve(
            self,
            spec=attrs.evolve(
                self.spec, jetstream=attrs.evolve(jetstream, encryption=known.encryption)
            ),
            inputs=attrs.evolve(
                self.inputs, jetstream_key=known.key, suffix=known.suffix, sealed=sealed
            ),
            earlier={},
        )
