"""What comes next while a server reloads, as tables: what is known so far -> the next step."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsctl.model import names
from natsctl.model.objects import Meta, Pod, Secret
from natsctl.model.observation import Observation
from natsctl.plan.actions import ReloadServer
from natsctl.plan.proof import digest_of
from natsctl.plan.reload.kubelet_syncs import KubeletSyncs
from natsctl.plan.reload.step import (
    UNREACHABLE,
    Answer,
    Ask,
    Done,
    Last,
    MarkProven,
    NeedsRestart,
    Onward,
    ReadSecrets,
    ReloadFacts,
    Rollback,
    Touch,
    Verify,
    Wait,
    first_facts,
    next_step,
)
from natsctl.plan.state import Refusal

NOON: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)
POD: Final = Pod(Meta(name="c-1", namespace="ns", uid="pod-1"))
CONTENT: Final = {"nats.conf": "eA=="}
ASKING: Final = ReloadServer(
    name="c-1",
    uid="pod-1",
    address="10.0.0.1",
    server_id="S",
    config="7",
    revision="r",
    digest="new",
    expiries=(),
    secrets=(),
    asks=True,
    message="c-1 reloaded: users changed",
    formerly=("6",),
)
SIDECAR: Final = attrs.evolve(ASKING, asks=False)
UNTELLING: Final = attrs.evolve(ASKING, digest=None)
RENEWING: Final = attrs.evolve(ASKING, expiries=(("clients", "2031"),), secrets=("tls",))


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def syncs(*seconds: float) -> KubeletSyncs:
    return KubeletSyncs(tuple(map(after, seconds)))


def config(mark: str | None) -> Secret:
    notes = {} if mark is None else {names.PROVEN_ANNOTATION: mark}
    meta = Meta(name="c", namespace="ns", uid="s", resource_version="7", annotations=notes)
    return Secret(meta, data=CONTENT)


def seen(digest: str = "new", **more: Any) -> Observation:
    return Observation(**({"server_id": "S", "config_digest": digest} | more))


TOUCHED: Final = ReloadFacts(after(17), POD, syncs(0, 3, 9))
ACCEPTED: Final = attrs.evolve(TOUCHED, answer=Answer())
PROVEN: Final = attrs.evolve(ACCEPTED, observation=seen())


def known(base: ReloadFacts, **more: Any) -> ReloadFacts:
    return attrs.evolve(base, **more)


class TestTheFilesAreLookedAfterFirst:
    def test_not_of_a_pod_that_is_gone(self) -> None:
        assert next_step(ASKING, ReloadFacts(NOON, None)) == Wait()

    @pytest.mark.parametrize(
        ("before", "now", "step"),
        [
            (syncs(), 0, Touch(syncs(0))),
            (syncs(0), 2, Ask()),
            (syncs(0), 3, Touch(syncs(0, 3))),
            (syncs(0, 3), 8, Ask()),
            (syncs(0, 3), 9, Touch(syncs(0, 3, 9))),
        ],
    )
    def test_when_the_next_look_is_due(
        self, before: KubeletSyncs, now: float, step: Onward
    ) -> None:
        assert next_step(ASKING, ReloadFacts(after(now), POD, before)) == step


class TestThenTheServerIsAsked:
    @pytest.mark.parametrize(
        ("action", "answer", "step"),
        [
            (ASKING, None, Ask()),
            (ASKING, UNREACHABLE, Wait()),
            (ASKING, Answer(), Verify(POD)),
            (ASKING, Answer("no such file"), Rollback(Refusal("7", "no such file"))),
            (
                ASKING,
                Answer("reload not supported for Port"),
                NeedsRestart(Refusal("7", "reload not supported for Port")),
            ),
            (SIDECAR, None, Verify(POD)),
        ],
        ids=["unasked", "unreachable", "accepted", "refused", "restart", "sidecar-asks"],
    )
    def test_and_what_it_answers_counts(
        self, action: ReloadServer, answer: Answer | None, step: Onward | Last
    ) -> None:
        assert next_step(action, known(TOUCHED, answer=answer)) == step


class TestThenItSaysWhatItRuns:
    @pytest.mark.parametrize(
        ("action", "observation", "step"),
        [
            (ASKING, seen(), Done()),
            (ASKING, seen("old"), Wait()),
            (ASKING, seen(problem="no answer in time"), Wait()),
            (ASKING, seen(server_id="T"), Wait()),  # it was restarted meanwhile
            (UNTELLING, seen(""), ReadSecrets()),
            (RENEWING, seen(), ReadSecrets()),  # an end of a certificate that it does not tell
            (RENEWING, seen(not_after={"clients": "2031"}), ReadSecrets()),
            (RENEWING, seen(not_after={"clients": "2030"}), Wait()),
        ],
    )
    def test_and_digest_and_certificates_have_to_be_the_new_ones(
        self, action: ReloadServer, observation: Observation, step: Onward | Last
    ) -> None:
        assert next_step(action, known(ACCEPTED, observation=observation)) == step


class TestWhatItCannotSayFollowsFromTimes:
    @pytest.mark.parametrize(
        ("changed", "step"),
        [
            ((after(0),), Done()),
            ((after(12),), Done()),
            ((after(13),), Wait()),  # no look came late enough
            ((after(0), after(13)), Wait()),
            ((after(0), None), Wait()),
        ],
    )
    def test_of_the_looks_if_the_operator_asked(
        self, changed: tuple[datetime | None, ...], step: Last
    ) -> None:
        facts = ReloadFacts(after(28), POD, syncs(20, 23), Answer(), seen(), changed)
        assert next_step(UNTELLING, facts) == step

    @pytest.mark.parametrize(
        ("loaded", "changed", "step"),
        [
            (after(5).isoformat(), (after(0),), Done()),
            (after(5).isoformat(), (after(5), None), Done()),
            (after(5).isoformat(), (after(0), after(6)), Wait()),
            ("", (after(0),), Wait()),
            ("soon", (after(0),), Wait()),
        ],
    )
    def test_of_loading_if_a_sidecar_asked(
        self, loaded: str, changed: tuple[datetime | None, ...], step: Last
    ) -> None:
        action = attrs.evolve(SIDECAR, digest=None)
        facts = known(TOUCHED, observation=seen(config_load_time=loaded), changed=changed)
        assert next_step(action, facts) == step


class TestWhatIsProvenIsNotedOnTheSecretFirst:
    @pytest.mark.parametrize(
        ("secret", "marked", "step"),
        [
            (config("older"), False, MarkProven(digest_of(CONTENT), "7")),
            (config("older"), True, Done()),  # once in an attempt, whatever became of it
            (config(digest_of(CONTENT)), False, Done()),
            (config(None), False, Done()),  # an earlier natsctl wrote it
            (None, False, Done()),
        ],
        ids=["older", "just-noted", "noted", "earlier-natsctl", "gone"],
    )
    def test_unless_it_tells_already(
        self, secret: Secret | None, marked: bool, step: Onward | Last
    ) -> None:
        assert next_step(ASKING, known(PROVEN, config=secret, marked=marked)) == step


class TestAnAttemptBeginsWithThePodsAnnotations:
    @pytest.mark.parametrize(
        ("noted", "known_syncs"),
        [
            ("7", syncs(0, 3)),
            ("6", syncs(0, 3)),  # in the form of an earlier natsctl
            ("5", syncs()),  # they were for another configuration
            ("", syncs()),
            (None, syncs()),
        ],
    )
    def test_what_was_noted_for_this_configuration_counts(
        self, noted: str | None, known_syncs: KubeletSyncs
    ) -> None:
        notes = {names.KUBELET_SYNCS_ANNOTATION: str(syncs(0, 3))}
        notes |= {} if noted is None else {names.CONFIG_ANNOTATION: noted}
        pod = Pod(Meta(name="c-1", namespace="ns", uid="pod-1", annotations=notes))
        assert first_facts(ASKING, pod, after(5)) == ReloadFacts(after(5), pod, known_syncs)

    def test_an_empty_digest_is_that_of_no_configuration(self) -> None:
        notes = {names.KUBELET_SYNCS_ANNOTATION: str(syncs(0, 3)), names.CONFIG_ANNOTATION: ""}
        pod = Pod(Meta(name="c-1", namespace="ns", uid="pod-1", annotations=notes))
        action = attrs.evolve(ASKING, formerly=())
        assert first_facts(action, pod, after(5)) == ReloadFacts(after(5), pod)

    @pytest.mark.parametrize(
        "pod", [None, Pod(Meta(name="c-1", namespace="ns", uid="pod-2"))], ids=["none", "another"]
    )
    def test_of_the_pod_that_is_meant(self, pod: Pod | None) -> None:
        assert first_facts(ASKING, pod, NOON) == ReloadFacts(NOON, None)


MOMENTS: Final = st.none() | st.integers(-30, 30).map(after)
ACTIONS: Final = st.builds(
    lambda asks, digest, secrets, expiries: attrs.evolve(
        ASKING, asks=asks, digest=digest, secrets=secrets, expiries=expiries
    ),
    st.booleans(),
    st.sampled_from([None, "new"]),
    st.sampled_from([(), ("tls",)]),
    st.sampled_from([(), (("clients", "2031"),)]),
)
OBSERVATIONS: Final = st.builds(
    seen,
    st.sampled_from(["", "new", "old"]),
    server_id=st.sampled_from(["S", "S", "T"]),
    config_load_time=st.sampled_from(["", after(0).isoformat(), after(30).isoformat()]),
    not_after=st.sampled_from([{}, {"clients": "2031"}, {"clients": "2030"}]),
)


def attempt(action: ReloadServer, facts: ReloadFacts, draw: Any) -> Iterator[Onward | Last]:
    """All steps of one attempt; what each brings is anything."""
    while True:
        step = next_step(action, facts)
        yield step
        match step:
            case Touch(made):
                facts = known(facts, syncs=made)
            case Ask():
                answers = [UNREACHABLE, Answer(), Answer(), Answer("no such file")]
                facts = known(facts, answer=draw(st.sampled_from(answers)))
            case Verify():
                facts = known(facts, observation=draw(OBSERVATIONS))
            case ReadSecrets():
                facts = known(facts, changed=(draw(MOMENTS), draw(MOMENTS)))
            case MarkProven():
                facts = known(facts, marked=True)
            case _:
                return


@given(ACTIONS, st.data(), st.sampled_from([syncs(), syncs(0), syncs(-20, 0), syncs(-30, -20)]))
def test_an_attempt_takes_each_step_at_most_once_and_ends(
    action: ReloadServer, data: st.DataObject, known_syncs: KubeletSyncs
) -> None:
    """In this order, so that nothing is proven by what was seen before it was asked for."""
    facts = ReloadFacts(NOON, POD, known_syncs, config=config("older"))
    ends = Wait | Rollback | NeedsRestart | Done
    order = (Touch, Ask, Verify, ReadSecrets, MarkProven, ends)
    taken = iter(order)
    for step in attempt(action, facts, data.draw):
        assert any(isinstance(step, kind) for kind in taken), step
