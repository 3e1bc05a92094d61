"""Carry out the actions of one stage of a plan; how, is the business of each one's handler.

A step that will never work becomes a Failure, which the condition tells; what may work next time
(Transient, Conflict) is raised and retried by the actor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from natsctl.controllers.cluster.handlers.handler import (
    PENDING,
    HandlerContext,
    Result,
    failure_of,
)
from natsctl.controllers.cluster.handlers.registry import HANDLERS
from natsctl.controllers.cluster.token_writer import Refused
from natsctl.kube.errors import ApiError, Terminal
from natsctl.plan.actions import Action
from natsctl.plan.growth_refused import Words
from natsctl.plan.references import Key
from natsctl.plan.state import Failure, Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

AT_A_TIME = 16
"""Actions of one cluster at a time."""


@attrs.frozen
class Outcome:
    """What came of a stage. `errors` are what may work next time, by what it is about.

    Not `shielded`: what has to be there before others' servers are touched was not written.
    """

    done: tuple[Action, ...]
    failures: tuple[Failure, ...]
    failed: tuple[Action, ...] = ()
    errors: tuple[tuple[str, ApiError], ...] = ()
    shielded: bool = True
    refusals: Mapping[str, Refusal] = attrs.field(factory=dict)
    growths: Mapping[str, Words | None] = attrs.field(factory=dict)
    tried: Mapping[Key, Refused | None] = attrs.field(factory=dict)

    @property
    def blocking(self) -> bool:
        """Whether what follows cannot work."""
        return any(action.required for action in self.failed)


def rests_on_answers(action: Action) -> bool:
    """Whether it takes a server from others, after all of them were asked."""
    return action.evidence is not None and action.evidence.seen is not None


async def run_stage(stage: Sequence[Action], context: HandlerContext) -> Outcome:
    """Run the actions of one stage at the same time; all of them end before this returns.

    A thousand at the same time would only be rendered earlier, and keep everybody waiting.
    """
    places, errors = asyncio.Semaphore(AT_A_TIME), list[ApiError]()

    async def one(action: Action) -> Result | ApiError:
        async with places:
            if len(errors) >= AT_A_TIME:
                return PENDING  # each of the rest would be tried for as long in vain
            try:
                return await _carry_out(action, context)
            except ApiError as error:
                errors.append(error)
                return error

    outcomes = await asyncio.gather(*map(one, stage), return_exceptions=True)
    bugs = [e for e in outcomes if isinstance(e, BaseException) and not isinstance(e, ApiError)]
    if bugs:
        raise bugs[0]
    return _outcome(
        [(a, f) for a, f in zip(stage, outcomes, strict=True) if isinstance(f, Result | ApiError)]
    )


async def _carry_out(action: Action, context: HandlerContext) -> Result:
    try:
        there = context.resting_on(action.evidence)
        return await HANDLERS[type(action)].carry_out(action, there)
    except Terminal as error:
        return Result(failure=failure_of(action, error))


def _outcome(outcomes: Sequence[tuple[Action, Result | ApiError]]) -> Outcome:
    results = [(action, r) for action, r in outcomes if isinstance(r, Result)]
    return Outcome(
        done=tuple(action for action, r in results if r.done),
        failures=tuple(r.failure for _, r in results if r.failure is not None),
        failed=tuple(a for a, r in outcomes if isinstance(r, ApiError) or r.failure is not None),
        shielded=all(isinstance(r, Result) and r.done for a, r in outcomes if a.shields),
        errors=tuple((a.subject, r) for a, r in outcomes if isinstance(r, ApiError)),
        refusals={uid: refusal for _, r in results for uid, refusal in r.refusals.items()},
        growths={uid: words for _, r in results for uid, words in r.growths.items()},
        tried={key: refused for _, r in results for key, refused in r.tried.items()},
    )
