"""inotify as it was when it was read."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from natsctl.compat import inotify
from tests.unit.compat.canary import changed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux has it")


@pytest.fixture
def queue() -> Iterator[int]:
    found = inotify.open_queue()
    yield found
    os.close(found)


def test_a_change_is_told_with_its_watch_and_its_name(queue: int, tmp_path: Path) -> None:
    watch = inotify.add_watch(queue, str(tmp_path))
    (tmp_path / "ä").touch()
    found = set(inotify.events(os.read(queue, 65536)))
    assert found == {(watch, "ä")}, changed(inotify, "the shape of an event")


def test_every_kind_of_change_is_told(queue: int, tmp_path: Path) -> None:
    folder, file = tmp_path / "folder", tmp_path / "folder" / "a"
    folder.mkdir()
    inotify.add_watch(queue, str(folder))
    for change in (
        file.touch,
        lambda: file.write_text("x"),
        lambda: file.chmod(0o600),
        lambda: file.rename(tmp_path / "b"),
        lambda: (tmp_path / "b").rename(file),
        file.unlink,
        folder.rmdir,
    ):
        change()
        assert os.read(queue, 65536), changed(inotify, "the flags of changes")


def test_a_watch_ends(queue: int, tmp_path: Path) -> None:
    inotify.remove_watch(queue, inotify.add_watch(queue, str(tmp_path)))
    list(inotify.events(os.read(queue, 65536)))
    (tmp_path / "a").touch()
    with pytest.raises(BlockingIOError):
        os.read(queue, 65536)


@pytest.mark.parametrize(
    ("name", "arguments", "number"),
    [
        ("inotify_rm_watch", (-1, 1), errno.EBADF),
        ("inotify_of_another_system", (), errno.ENOSYS),
    ],
)
def test_the_kernel_says_why_not(
    name: str, arguments: tuple[int | bytes, ...], number: int
) -> None:
    with pytest.raises(OSError, match=os.strerror(number)) as found:
        inotify.call(name, *arguments)
    assert found.value.errno == number, changed(inotify, "how the C library tells errors")
