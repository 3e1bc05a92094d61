"""What a handler is: it carries out the actions of one class, and words what was done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import attrs

from natsctl.controllers.cluster.events import Event
from natsctl.controllers.cluster.reload import Reloader
from natsctl.controllers.cluster.token_writer import Refused, Running
from natsctl.controllers.runtime.patience import reason_of
from natsctl.controllers.watch.stores import Stores
from natsctl.kube.client import Client
from natsctl.kube.errors import Stale
from natsctl.model.foreign import ANSWER, quoted
from natsctl.nats.jetstream_requests import Api
from natsctl.plan.actions import Action
from natsctl.plan.growth_refused import Words
from natsctl.plan.references import Key
from natsctl.plan.state import Desired, Failure, Refusal

if TYPE_CHECKING:
    from natsctl.kube.errors import ApiError, Terminal
    from natsctl.kube.resources import Resource
    from natsctl.model.objects import Object
    from natsctl.plan.evidence import Evidence

A = TypeVar("A", bound=Action)


@attrs.frozen
class HandlerContext:
    """What handlers have to write for one cluster; replies go into the stores.

    `jetstream` is for requests to the JetStream of its servers, which only procedures send.
    """

    client: Client
    stores: Stores
    desired: Desired
    reloader: Reloader
    jetstream: Api | None = None
    sealing: bytes = attrs.field(default=b"", repr=False)
    before: HandlerContext | None = attrs.field(default=None, repr=False)
    running: Running = attrs.field(init=False, repr=False)

    @running.default
    def _running(self) -> Running:
        return Running(self.client, self.desired.target)

    def resting_on(self, evidence: Evidence | None) -> HandlerContext:
        """The same, which sends a write or a request only while this still counts."""
        if evidence is None:
            return self
        key = (self.desired.target.namespace, self.desired.target.name)

        def check() -> None:
            now = asyncio.get_running_loop().time()
            if objection := evidence.objection(self.stores.pods.of_cluster(key), now):
                raise Stale(objection)

        client, api = self.client.checked(check), self.jetstream
        fenced = attrs.evolve(api, fence=client.fence) if api is not None else None
        return attrs.evolve(self, client=client, jetstream=fenced, before=self)

    def settling(self) -> HandlerContext:
        """For what has to follow a write that ended what it rested on."""
        return self.before or self

    def learn(self, resource: Resource, reply: Object) -> None:
        """Keep what the API server answered to a write."""
        self.stores.of_kind(resource.kind).learn(reply)


@attrs.frozen
class Result:
    """What came of one action.

    Neither `done` nor a `failure`: it goes on in a later pass. `refusals` are by pod uid, `growths`
    by uid of a claim, `tried` by namespace and name of a bound-token Secret (None: it was written).
    """

    done: bool = False
    failure: Failure | None = None
    refusals: Mapping[str, Refusal] = attrs.field(factory=dict)
    growths: Mapping[str, Words | None] = attrs.field(factory=dict)
    tried: Mapping[Key, Refused | None] = attrs.field(factory=dict)


DONE: Final = Result(done=True)
PENDING: Final = Result()


@attrs.frozen
class Handler(Generic[A]):
    """For actions of one class: `carry_out` one, `tell` the events of all done in one stage.

    What may work next time (Transient, Conflict) is raised, and so is what never will (Terminal)
    unless there is more to say than the API server's words.
    """

    action: type[A]
    carry_out: Callable[[A, HandlerContext], Awaitable[Result]]
    tell: Callable[[Sequence[A]], Iterable[Event]]


def silent(_: Sequence[Action]) -> Iterable[Event]:
    """Of what nobody who describes a cluster needs to hear."""
    return ()


def failure_of(action: Action, error: Terminal) -> Failure:
    """That an action will not work, in the API server's words."""
    return Failure(action.subject, reason_of(error), words_of(error))


def words_of(error: ApiError) -> str:
    """The API server's words, or those of a webhook that it repeats."""
    return quoted(str(error), ANSWER)
