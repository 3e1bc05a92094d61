"""Waiting for changes, with inotify and without."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from natsctl.compat import inotify
from natsctl.sidecar.watcher import Watcher

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it runs in pods only")

LONG, SHORT = 20.0, 0.05


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def watching(said: list[str]) -> Iterator[Watcher]:
    """One that polls every 50 ms when inotify failed twice."""
    with Watcher(said.append, SHORT, 2) as found:
        yield found


def seconds(wait: Callable[[float], None], limit: float) -> float:
    started = time.monotonic()
    wait(limit)
    return time.monotonic() - started


def test_a_new_folder_is_told_and_a_known_one_is_not(watching: Watcher, tmp_path: Path) -> None:
    assert watching.cover([str(tmp_path / "a")])
    assert not watching.cover([str(tmp_path / "a"), str(tmp_path / "b")])
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    assert watching.cover([str(tmp_path / "a")]), "another folder of the same name"


def test_a_wait_ends_with_an_event_of_a_path_or_of_its_folder(
    watching: Watcher, tmp_path: Path
) -> None:
    file, folder = tmp_path / "a", tmp_path / "folder"
    folder.mkdir()
    watching.cover([str(file), str(folder / "b")])
    file.touch()
    assert seconds(watching.wait, LONG) < LONG / 2
    folder.rmdir()
    assert seconds(watching.wait, LONG) < LONG / 2


def test_a_wait_ends_without_an_event_after_its_time(watching: Watcher, tmp_path: Path) -> None:
    watching.cover([str(tmp_path / "a")])
    (tmp_path / "other").touch()
    assert SHORT <= seconds(watching.wait, SHORT) < LONG / 2


def test_a_folder_that_is_not_covered_any_more_wakes_nobody(
    watching: Watcher, tmp_path: Path
) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    watching.cover([str(tmp_path / "old" / "a")])
    watching.cover([str(tmp_path / "new" / "a")])
    (tmp_path / "old" / "a").touch()
    assert seconds(watching.wait, SHORT) >= SHORT


def test_lost_events_wake(
    watching: Watcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel says so with a watch of no folder (inotify(7), IN_Q_OVERFLOW)."""
    watching.cover([str(tmp_path / "a")])
    (tmp_path / "other").touch()
    overflow = inotify.EVENT.pack(-1, 0x4000, 0, 0)
    monkeypatch.setattr(os, "read", lambda *_: overflow)
    assert seconds(watching.wait, LONG) < LONG / 2


def test_inotify_is_tried_again_and_then_given_up(
    watching: Watcher, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    real = inotify.call
    path = [str(tmp_path / "a")]
    monkeypatch.setattr(inotify, "call", exhausted)
    assert not watching.cover(path)
    assert SHORT <= seconds(watching.wait, LONG) < LONG / 2
    monkeypatch.setattr(inotify, "call", real)
    assert watching.cover(path), "what was exhausted is free again"
    monkeypatch.setattr(inotify, "call", exhausted)
    assert not watching.cover(path)
    monkeypatch.setattr(inotify, "call", real)
    assert not watching.cover(path)
    words = "cannot watch: inotify reports No space left on device; polling every 0.05 s"
    assert said == [words, f"{words} from now on"]


def test_a_system_without_inotify_is_polled(
    watching: Watcher, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("natsctl.compat.inotify.ctypes.CDLL", lambda *_, **__: object())
    assert not watching.cover([str(tmp_path / "a")])
    assert "Function not implemented" in said[0]
