"""What an answer of the API server means."""

import pytest

from natsctl.kube.errors import (
    AlreadyExists,
    ApiError,
    Conflict,
    NotFound,
    Terminal,
    Transient,
    error_of,
)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (409, b'{"reason":"AlreadyExists"}', AlreadyExists),
        (409, b'{"reason":"Conflict"}', Conflict),
        (404, b"404 page not found", NotFound),
        (429, b"Too many requests, please try again later.", Transient),
        (408, b"", Transient),
        (500, b'{"message":"etcdserver: leader changed"}', Transient),
        (504, b'{"message":"Timeout"}', Transient),
        (500, b'{"message":".spec.x: field not declared in schema"}', Terminal),
        (400, b"{}", Terminal),
        (403, b'{"reason":"Forbidden","message":"no"}', Terminal),
        (422, b"{}", Terminal),
    ],
)
def test_kinds(status: int, body: bytes, kind: type[ApiError]) -> None:
    error = error_of(status, body)
    assert type(error) is kind
    assert error.status == status


def test_a_plain_text_body_is_the_message() -> None:
    assert str(error_of(429, b" Too many requests ")) == "Too many requests"


def test_no_body_leaves_the_status() -> None:
    assert str(error_of(503, b"{}")) == "HTTP 503"


@pytest.mark.parametrize(
    ("header", "seconds"), [("3", 3.0), ("86400", 60.0), ("soon", None), (None, None)]
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    error = error_of(429, b"", header)
    assert isinstance(error, Transient)
    assert error.retry_after == seconds
