"""All that is known of one cluster at one moment."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

import attrs

from natsctl.api.problems import Problem
from natsctl.api.types.status import ClusterStatus
from natsctl.model import names
from natsctl.model.foreign import plain, quoted, word
from natsctl.model.objects import Cluster, Object, Pod, Secret
from natsctl.plan.gates.seen import Seen
from natsctl.plan.growth_refused import GrowthRefused
from natsctl.plan.inputs.resolve import ResolvedInputs
from natsctl.plan.queries import Answers
from natsctl.plan.references import Key, References
from natsctl.render.objects.owned_objects import config_kind, owned_kind
from natsctl.render.revision.revision import CERTIFICATES, revision
from natsctl.render.target import Target

_PURPOSE: Final = "configuration of "


@attrs.frozen
class OwnedObject:
    """An object that a cluster owns, as it should be, and the digest of that."""

    manifest: Mapping[str, Any] = attrs.field(repr=lambda made: str(made["metadata"]["name"]))
    digest: str

    @cached_property
    def kind(self) -> str:
        """Kubernetes kind."""
        return str(self.manifest["kind"])

    @cached_property
    def name(self) -> str:
        """Object name."""
        return str(self.manifest["metadata"]["name"])

    @cached_property
    def is_config(self) -> bool:
        """Whether it holds the servers' configuration."""
        return owned_kind(self.kind).is_config


@attrs.frozen
class Desired:
    """What a valid spec asks for, together with the Secrets and roles it refers to.

    `unreached` says why the servers stay with another version than the spec's; `pending`, that they
    get the rest of the spec once the status has it. `pepper` keys the
    digest of the configuration; empty where the operator has no secret.
    """

    target: Target
    objects: tuple[OwnedObject, ...]
    revision: Mapping[str, str]
    remarks: tuple[Problem, ...] = ()
    advice: str = ""
    unreached: str = ""
    pending: bool = False
    resolved: ResolvedInputs = attrs.field(factory=ResolvedInputs)
    pepper: bytes = attrs.field(default=b"", repr=False)

    def revision_of(self, index: int) -> Mapping[str, str]:
        """What the pod of a server is to be made from."""
        known = self.target.earlier.get(index)
        return self.revision if known is None else self._earlier[known.suffix, known.sealed]

    @cached_property
    def _earlier(self) -> Mapping[tuple[str, str], Mapping[str, str]]:
        """The same of servers with earlier keys: few, of how many servers ever."""
        known = {(it.suffix, it.sealed): it for it in self.target.earlier.values()}
        return {key: revision(self.target.with_key(it)) for key, it in known.items()}

    @cached_property
    def config_object(self) -> OwnedObject:
        """The object that holds the servers' configuration."""
        return next(s for s in self.objects if s.is_config)

    @property
    def waiting(self) -> tuple[str, ...]:
        """What the configuration waits for; servers keep the one they have until then."""
        return self.resolved.missing

    @cached_property
    def config(self) -> str:
        """A digest of the configuration of all servers and of what it refers to.

        It stands on pods, where anybody may read it: without the key of it, who knows all but a
        weak password could find that out by trying.
        """
        if not self.pepper:
            return self.unkeyed
        return self._keyed(self.unkeyed)

    @cached_property
    def unkeyed(self) -> str:
        """The same without the key."""
        return self._with(self.target.inputs.sealed)

    @cached_property
    def former_configs(self) -> tuple[str, ...]:
        """The same as earlier versions of natsctl wrote it: on pods that were reloaded by those."""
        before = self._with(self.target.inputs.former.digests)
        return before, self._keyed(before)

    def is_config(self, noted: str | None) -> bool:
        """Whether a digest that was noted is of this configuration, in any form."""
        return noted is not None and noted in (self.config, *self.former_configs)

    def _with(self, sealed: Mapping[str, str]) -> str:
        return f"{self.config_object.digest}-{sealed.get(CERTIFICATES, '')}"

    def _keyed(self, unkeyed: str) -> str:
        return hmac.new(self.pepper, f"{_PURPOSE}{unkeyed}".encode(), "sha256").hexdigest()[:16]


@attrs.frozen
class Failure:
    """A step that did not work, as the condition tells it. `blocking` holds up what follows."""

    subject: str = attrs.field(converter=plain)
    reason: str = attrs.field(converter=word)
    message: str = attrs.field(converter=plain)


@attrs.frozen
class Trial:
    """What came of the last attempt on one bound-token Secret, and when the next one may be.

    `due` is monotonic seconds, `pause` how long after the attempt; `failure` says what stood in
    the way, if anything did. `token` counts although it could not be sealed: the running
    configuration has it.
    """

    due: float
    pause: float
    failure: Failure | None = None
    token: str = attrs.field(default="", repr=False)


@attrs.frozen
class Refusal:
    """A server's own words about a configuration it did not take, and the digest of that."""

    config: str
    words: str = attrs.field(converter=plain)

    @property
    def needs_restart(self) -> bool:
        """Whether a restart would do what the reload could not (server/reload.go)."""
        return "not supported" in self.words


@attrs.frozen
class ClusterState(Answers):
    """Input of planning: what the API server knows, and the answers to queries.

    `problems` says why the spec is no good; `desired` is of the last good one then, if it is known,
    else None. `timestamp` is the moment `now` in RFC 3339. `quiet` is for how long nothing changed.
    `owned` are the objects that the cluster owns, by kind and name; of the kind that holds data all
    that have its labels, and no entry while these are not known. `refusals` are by pod uid,
    `trials` by namespace and name of a bound-token Secret, `growths` by uid of a claim that the API
    server did not let grow; `scope` are the only namespaces that natsctl sees (None: all).
    `installation` is the name of natsctl itself (see claim). `seen` is what the looks at JetStream
    show, if there are two. `step_downs` counts how often this process asked a server to hand over
    the meta group, by pod uid.
    """

    cluster: Cluster
    status: ClusterStatus
    desired: Desired | None
    problems: tuple[Problem, ...] = ()
    paused: bool = False
    owned: Mapping[str, Mapping[str, Object]] = attrs.field(factory=dict)
    pods: tuple[Pod, ...] = ()
    seen: Seen | None = None
    failures: tuple[Failure, ...] = ()
    trials: Mapping[Key, Trial] = attrs.field(factory=dict)
    refusals: Mapping[str, Refusal] = attrs.field(factory=dict)
    growths: Mapping[str, GrowthRefused] = attrs.field(factory=dict)
    step_downs: Mapping[str, int] = attrs.field(factory=dict)
    references: References = attrs.field(factory=References)
    scope: tuple[str, ...] | None = None
    installation: str = ""
    timestamp: str = ""
    quiet: float = 0.0

    @cached_property
    def secrets(self) -> Mapping[str, Secret]:
        """The config Secret as it stands, by its name."""
        secrets = self.owned.get(config_kind().kind, {})
        return {name: live for name, live in secrets.items() if isinstance(live, Secret)}

    @cached_property
    def refused(self) -> Refusal | None:
        """The configuration wanted now, if a server refused it and it was withdrawn."""
        live = self.secrets.get(self.cluster.metadata.name)
        note = live.metadata.annotation(names.REFUSED_ANNOTATION) if live is not None else None
        config, _, words = (note or "").partition(" ")
        wanted = self.desired is not None and self.desired.is_config(config)
        return Refusal(config, words) if wanted else None

    @cached_property
    def holding(self) -> tuple[str, ...]:
        """Why the servers keep their current configuration; empty: they are to get the new one."""
        if self.desired is None:
            return ()
        refused = (f"a server reports: {quoted(self.refused.words)}",) if self.refused else ()
        return self.desired.waiting or refused

    def live(self, wanted: OwnedObject) -> Object | None:
        """The object that is there in the place of `wanted`."""
        return self.owned.get(wanted.kind, {}).get(wanted.name)
