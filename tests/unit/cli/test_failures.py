"""One line that says what to do."""

from __future__ import annotations

import pytest

from natsctl.cli.failures import Unreachable, failure, reason
from natsctl.kube.errors import ApiError, NotFound, Terminal, Transient

KIND = NotFound(404, "NotFound", "the server could not find the requested resource")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (KIND, "at h does not know NatsClusters; run: natsctl crds | kubectl apply"),
        (Terminal(401, "Unauthorized", "Unauthorized"), "does not accept your credentials"),
        (Terminal(403, "Forbidden", "User u cannot"), 'you may not list pods: "User u cannot"'),
        (Transient(0, "ConnectionLost", "refused"), "cannot reach the API server at h: refused"),
        (Transient(503, "", "busy"), 'cannot list pods: "busy"'),
        (Terminal(400, "", "bad"), 'cannot list pods: "bad"'),
    ],
)
def test_what_keeps_a_command_from_its_work(error: ApiError, says: str) -> None:
    found = failure(error, "list pods", "h")
    assert says in str(found)
    assert "\n" not in str(found)
    assert isinstance(found, Unreachable) == isinstance(error, Transient)


def test_what_a_command_can_do_without() -> None:
    assert reason(Terminal(403, "Forbidden", "long"), "get x") == "you may not get x"
    assert reason(Transient(503, "", "busy"), "get x") == 'cannot get x: "busy"'
