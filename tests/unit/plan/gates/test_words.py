"""What is said of blocks: what is wrong, where, and how to continue."""

from __future__ import annotations

import pytest

from natsctl.model.foreign import MESSAGE
from natsctl.model.jetstream import Asset
from natsctl.plan.gates.verdict import Baseline, Block, Note, Purpose, Remark, Verdict, Why
from natsctl.plan.gates.words import (
    annotation,
    broken_before,
    message,
    reason,
    remark,
    row,
    text,
    way_out,
)
from tests.unit.plan.gates.recorded import Situation, situations
from tests.unit.plan.gates.test_recorded import verdict
from tests.unit.plan.gates.world import State, World, judged

S = Asset("APP", "S")


def test_a_block_says_what_is_wrong_and_what_was_seen() -> None:
    behind = Block(Why.REPLICA, "nats-3", S, "lags by 900 entries")
    assert text(behind) == (
        "the replica of stream APP/S on nats-3 is not healthy (lags by 900 entries)"
    )
    assert text(Block(Why.NO_LEADER, asset=Asset("APP", "S", "c"))) == (
        "consumer APP/S/c has no leader"
    )
    assert text(Block(Why.HOSTED, "nats-2", detail="it does not say what it holds")) == (
        "nats-2 does not say all that it holds, or is not healthy (it does not say what it holds)"
    )


def test_a_message_names_who_blocks_and_how_to_continue() -> None:
    world = World()
    world.stream(leader="")
    assert message("nats-2", judged(world), "uid-2.5c1e77aa") == (
        "nats-2 cannot restart yet: stream A/S has no leader; to continue anyway, at the "
        "risk of losing data, annotate the cluster: nats.io/override-no-leader=uid-2.5c1e77aa"
    )


def test_what_nobody_may_override_has_no_annotation() -> None:
    verdict = Verdict((Block(Why.NO_LEADER, asset=S), Block(Why.HOSTED, "nats-2")), 2)
    assert way_out(verdict, "v", {Why.HOSTED}).endswith(": nats.io/override-no-leader=v")
    assert way_out(verdict, "v", {Why.HOSTED, Why.NO_LEADER}) == ""


@pytest.mark.parametrize(
    ("purpose", "words"),
    [(Purpose.REMOVE, "cannot be removed yet"), (Purpose.REPLACE, "cannot get an empty volume")],
)
def test_it_says_what_cannot_happen(purpose: Purpose, words: str) -> None:
    world = World(states={"nats-3": State.DOWN})
    assert words in message("nats-2", judged(world), "v", purpose)


def test_nothing_is_said_of_a_server_that_may_go() -> None:
    assert message("nats-2", judged(World()), "v") == ""
    assert broken_before(None) == broken_before(Baseline()) == ""


def test_another_look_needs_no_annotation() -> None:
    block = Block(Why.LOOKS, "nats-1", detail="it restarted between the looks")
    said = message("nats-2", Verdict((block,), 1), "v")
    assert said.endswith("(it restarted between the looks); natsctl looks again")


def test_some_are_named_and_the_rest_are_counted() -> None:
    blocks = tuple(Block(Why.NO_LEADER, asset=Asset("A", f"s{n}")) for n in range(20))
    said = message("nats-2", Verdict(blocks, 345), "v")
    assert "stream A/s3 has no leader and 341 more; to" in said
    assert "s4 " not in said


def test_how_to_continue_is_never_cut() -> None:
    name = "n" * 250
    blocks = tuple(Block(why, name, Asset("A" * 80, "S" * 80, "C" * 80), "d" * 999) for why in Why)
    assert message("nats-2", Verdict(blocks, 99), "v").endswith("nats.io/override-tags=v")


def test_what_was_so_before_is_named() -> None:
    blocks = Block(Why.MOVING, asset=S), Block(Why.NO_LEADER, asset=S)
    assert (
        broken_before(Baseline(frozenset(blocks)))
        == "stream APP/S has no leader; stream APP/S is moving"
    )


def test_reasons_are_in_camel_case_and_overrides_as_kubectl_takes_them() -> None:
    assert reason(Why.META_LEADER) == "MetaLeader"
    assert all(reason(why).isalpha() for why in Why)
    assert annotation(Why.META_LEADER, "v") == "nats.io/override-meta-leader=v"


@pytest.mark.parametrize("why", list(Why))
def test_every_reason_has_words(why: Why) -> None:
    said = text(Block(why, "nats-1", S))
    assert "{" not in said
    assert (
        "nats-1" in said
        or "APP/S" in said
        or "meta" in said
        or "would remain" in said
        or why is Why.SLOW
        or ("the remaining servers" in said)
    )
    assert "{" not in text(Block(why))


@pytest.mark.parametrize("what", list(Remark))
def test_every_remark_has_words(what: Remark) -> None:
    assert "{" not in remark(Note(what, S)) + remark(Note(what))
    assert ("APP/S" in remark(Note(what, S))) == (what not in (Remark.STEP_DOWN, Remark.HOLES))


def test_the_status_has_what_applies() -> None:
    assert row(Block(Why.REPLICA, "nats-3", S, "is offline")) == {
        "account": "APP",
        "stream": "S",
        "server": "nats-3",
        "why": "replica",
        "message": "the replica of stream APP/S on nats-3 is not healthy (is offline)",
    }
    assert row(Block(Why.META_SIZE)).keys() == {"why", "message"}


def test_names_of_strangers_cannot_act_and_are_short() -> None:
    evil = Asset("A" * 256, '\x1b[31m" ignore\n' + "x" * 300, "{server}")
    block = Block(Why.REPLICA, "\u202enats", evil, "y" * 9_000)
    for said in (
        text(block),
        row(block)["message"],
        message("nats-2", Verdict((block,) * 20, 20), "v"),
    ):
        assert said.isprintable()
        assert len(said) <= MESSAGE
    assert all(len(value) <= 500 for value in row(block).values())


@pytest.mark.parametrize("it", situations(), ids=lambda it: f"{it.version}-{it.name}")
def test_what_is_said_of_recorded_situations_is_short(it: Situation) -> None:
    said = message(it.target, verdict(it), "v", Purpose(it.mode))
    assert bool(said) != it.ok
    assert len(said) < 2_500
