"""The next step of one attempt to reload a server.

What a server is made of is in its pod's annotation, so the annotation changes only once the new
configuration is proven to be loaded. Each step is taken at most once in an attempt; what it brought
is among the facts when the next one is chosen.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from natsctl.model import names
from natsctl.model.objects import Pod, Secret
from natsctl.model.observation import Observation
from natsctl.model.times import moment
from natsctl.plan.proof import unnoted_proof
from natsctl.plan.reload.kubelet_syncs import KubeletSyncs
from natsctl.plan.state import Refusal

if TYPE_CHECKING:
    from natsctl.plan.actions import ReloadServer


@attrs.frozen
class Answer:
    """What a server said when it was asked to reload: `words` are why it refuses, if it does."""

    words: str = ""
    reached: bool = True


UNREACHABLE: Final = Answer(reached=False)


@attrs.frozen
class ReloadFacts:
    """What one attempt, which began at `now`, knows so far; None: it did not look yet.

    `pod` is the server's (None: it is gone, or another has its name), `syncs` are those of its
    kubelet for this configuration. `changed` has for each Secret when its content changed (None:
    nobody knows), `config` is the config Secret as it stands (None: there is none), and `marked`
    says whether this attempt noted its content as proven.
    """

    now: datetime
    pod: Pod | None
    syncs: KubeletSyncs = attrs.field(factory=KubeletSyncs)
    answer: Answer | None = None
    observation: Observation | None = None
    changed: tuple[datetime | None, ...] | None = None
    config: Secret | None = None
    marked: bool = False


@attrs.frozen
class Touch:
    """Change the pod's annotations: its kubelet looks after the pod's files then."""

    syncs: KubeletSyncs


@attrs.frozen
class Ask:
    """Ask the server to reload."""


@attrs.frozen
class Verify:
    """Ask the pod's server what it runs."""

    pod: Pod


@attrs.frozen
class ReadSecrets:
    """Read when the content of the config Secret and of the certificates' Secrets changed."""


@attrs.frozen
class MarkProven:
    """Note on the config Secret that its content, which has this digest, is gone back to."""

    content: str
    resource_version: str


@attrs.frozen
class Wait:
    """End the attempt; the next one goes on from what is seen then."""


@attrs.frozen
class Rollback:
    """Take the configuration back that would keep the server from starting again; it is refused."""

    refusal: Refusal


@attrs.frozen
class NeedsRestart:
    """Leave the configuration: the server refuses what only a restart can do."""

    refusal: Refusal


@attrs.frozen
class Done:
    """Note on the pod that it runs the new configuration."""


Onward: TypeAlias = Touch | Ask | Verify | ReadSecrets | MarkProven
"""Steps after which more is known, and another one follows."""
Last: TypeAlias = Wait | Rollback | NeedsRestart | Done
"""Steps that end the attempt."""


def first_facts(action: ReloadServer, pod: Pod | None, now: datetime) -> ReloadFacts:
    """What is known before the first step: `pod` is the one of that name."""
    if pod is None or pod.metadata.uid != action.uid:
        return ReloadFacts(now, None)
    noted = pod.metadata.annotation(names.CONFIG_ANNOTATION)
    same = bool(noted) and noted in (action.config, *action.formerly)
    text = pod.metadata.annotation(names.KUBELET_SYNCS_ANNOTATION) if same else None
    return ReloadFacts(now, pod, KubeletSyncs.parse(text, now))


def next_step(action: ReloadServer, facts: ReloadFacts) -> Onward | Last:
    """What to do now: have the files looked after, the server asked, and its reload proven."""
    if facts.pod is None:
        return Wait()
    if facts.syncs.due(facts.now):
        return Touch(facts.syncs.then(facts.now))
    if action.asks:
        if facts.answer is None:
            return Ask()
        if not facts.answer.reached:
            return Wait()
        if facts.answer.words:
            return _refused(Refusal(action.config, facts.answer.words))
    return _proof(action, facts, facts.pod)


def _refused(refusal: Refusal) -> Rollback | NeedsRestart:
    return NeedsRestart(refusal) if refusal.needs_restart else Rollback(refusal)


def _proof(action: ReloadServer, facts: ReloadFacts, pod: Pod) -> Onward | Last:
    if facts.observation is None:
        return Verify(pod)
    if not _reports_it(action, facts.observation):
        return Wait()
    if not action.digest or action.secrets:
        if facts.changed is None:
            return ReadSecrets()
        if not _surely_read(action, facts, facts.observation, facts.changed):
            return Wait()
    return _noting(facts)


def _reports_it(action: ReloadServer, seen: Observation) -> bool:
    """Whether the server says nothing against it; some cannot say what they run."""
    if seen.problem or seen.server_id != action.server_id:
        return False
    if action.digest and seen.config_digest != action.digest:
        return False
    return all(seen.not_after.get(listener, end) == end for listener, end in action.expiries)


def _surely_read(
    action: ReloadServer,
    facts: ReloadFacts,
    seen: Observation,
    changed: tuple[datetime | None, ...],
) -> bool:
    """Whether the server surely read all files after they changed."""
    if action.asks:  # it did what it was asked for: all files were there by then
        return all(facts.syncs.shown(at, facts.now) for at in changed)
    loaded = moment(seen.config_load_time, UTC)  # a sidecar asks when it sees the files
    return loaded is not None and all(loaded >= at for at in changed if at)


def _noting(facts: ReloadFacts) -> MarkProven | Done:
    """First the Secret, then the pod: once the pod tells, what to go back to is surely noted."""
    config = facts.config
    content = None if config is None or facts.marked else unnoted_proof(config)
    if config is None or content is None:
        return Done()
    return MarkProven(content, config.metadata.resource_version)
