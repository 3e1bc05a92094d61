"""Light computing stays on the event loop, heavy computing leaves it free."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from natsctl.controllers.runtime.computing import (
    GROUP,
    LIGHT,
    SERVER,
    computed,
    is_heavy,
    of_documents,
    of_looks,
    of_servers,
)
from natsctl.model.jetstream import Asset, Group, JetStreamReport
from natsctl.model.jetstream_look import Look


@pytest.mark.parametrize("heavy", [False, True])
async def test_where_it_is_computed(heavy: bool) -> None:
    where = await computed(heavy, threading.current_thread)
    assert (where is not threading.current_thread()) == heavy


async def test_an_error_reaches_who_asked() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await computed(True, int, "seven")


def test_weights_add_up() -> None:
    assert not is_heavy(of_servers(3), of_documents({"size": 3}))
    assert is_heavy(of_servers(LIGHT // SERVER), of_documents({"size": 3}))
    assert is_heavy(of_documents(["x" * LIGHT]))


def test_streams_weigh_in_each_look_at_each_server() -> None:
    groups = {Asset("A", str(n)): Group(Asset("A", str(n)), 3) for n in range(50)}
    said = {uid: JetStreamReport(uid, groups=groups) for uid in ("1", "2", "3")}
    assert sum(of_looks([Look(0.0, said, {})] * 2)) == 2 * 3 * 50 * GROUP
    assert sum(of_looks([])) == 0


def test_no_more_is_looked_at_than_needed() -> None:
    def weights() -> Iterator[int]:
        yield LIGHT + 1
        pytest.fail("the first was enough")

    assert is_heavy(weights())
