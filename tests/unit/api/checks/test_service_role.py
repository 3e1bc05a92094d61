from typing import Any

import pytest

from natsctl.api.checks.service_role import is_subject, validate_role
from natsctl.api.fields import Json
from natsctl.api.parse import parse_role_spec
from natsctl.api.version import ServerVersion


def complaints(version: str | None = None, **permissions: Any) -> list[str]:
    known = ServerVersion.parse(version) if version else None
    spec = parse_role_spec({"permissions": permissions})
    return [str(problem) for problem in validate_role(spec, known)]


@pytest.mark.parametrize(
    "subject", ["a", "a.b", "*", ">", "a.*.b.>", "$SYS.>", "\u00e9", "_INBOX.x"]
)
def test_subjects_have_parts(subject: str) -> None:
    assert is_subject(subject)
    every: Json = {
        "publish": [subject],
        "subscribe": [subject, f"{subject} queue", f"{subject} q.*"],
    }
    assert complaints(**every, allow=every, deny=every) == []


@pytest.mark.parametrize("subject", ["", ".", "a.", ".a", "a..b", ">.a", 'a"b', "a\\b", "a\tb"])
def test_none_of_which_is_empty_or_unreadable(subject: str) -> None:
    assert not is_subject(subject)
    (found,) = complaints(publish=["fine", subject])
    assert found.startswith("spec.permissions.publish[1]: ")
    assert "is not a valid subject; use one such as orders.*" in found
    assert len(complaints(subscribe=[subject], deny={"publish": [subject]})) == 2


def test_queues_are_for_who_subscribes() -> None:
    assert complaints(subscribe=["a b"]) == []
    assert len(complaints(publish=["a b"])) == 1
    assert len(complaints(subscribe=["a b c", "a ", " a"])) == 3


def test_replies_are_allowed_for_a_while() -> None:
    assert complaints(allowResponses={"maxMsgs": -1, "expires": "1m"}) == []
    assert complaints(allowResponses={}) == []
    assert complaints(allowResponses={"expires": "soon"}) == [
        "spec.permissions.allowResponses.expires: 'soon' is not a valid "
        'duration; use a number and a unit, such as "10s"'
    ]
    assert complaints(allowResponses={"maxMsgs": -2}) == [
        "spec.permissions.allowResponses.maxMsgs: is -2; use -1 or more"
    ]


def test_and_by_servers_that_know_how() -> None:
    assert complaints("2.0.4", allowResponses={}) == []
    assert complaints("2.0.0", allowResponses={}) == [
        "spec.permissions.allowResponses: nats-server 2.0.0 does not support this permission; "
        "use version 2.0.4 or later"
    ]
