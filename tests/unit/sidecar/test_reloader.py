"""The reloader beside a server: one signal per real change, whatever happens around it.

That there was no signal is shown by a later change: its signal is the next one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from natsctl.sidecar import process, reloader
from natsctl.sidecar.process import Process
from natsctl.sidecar.reloader import GivenUp, Settings
from tests.unit.sidecar import beside
from tests.unit.sidecar.beside import Speaker, Volume

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it runs in pods only")


@pytest.fixture
def pid_file(tmp_path: Path) -> Path:
    return tmp_path / "nats.pid"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration file."""
    file = tmp_path / "config" / "nats.conf"
    file.parent.mkdir()
    file.write_text("port: 4222\n")
    return file


@contextmanager
def pair(
    pid_file: Path, *files: Path, flags: tuple[str, ...] = ()
) -> Iterator[tuple[Speaker, Speaker]]:
    """A server, and a reloader that has met it."""
    with (
        beside.server(pid_file) as server,
        beside.reloader(pid_file, *files, flags=flags) as watching,
    ):
        watching.says("watching")
        yield server, watching


def test_an_update_of_a_secret_is_one_signal(tmp_path: Path, pid_file: Path) -> None:
    volume = Volume(tmp_path / "secret")
    volume.publish(nats_conf="port: 4222", other_conf="port: 4222")
    files = [volume.folder / "nats.conf", volume.folder / "other.conf"]
    with pair(pid_file, *files) as (server, watching):
        for number in range(1, 6):
            text = f"port: {number}"
            volume.publish(nats_conf=text, other_conf=text)
            line = watching.says("sent SIGHUP")
            assert all(str(file) in line for file in files)
            server.says("signalled")
        volume.publish(nats_conf="port: 5", other_conf="port: 6")
        watching.silent_until(f"(changed: {files[1]})", "sent")
        server.says("signalled")
        assert watching.end(signal.SIGTERM) == 0
    assert server.lines.count("signalled\n") == 6


def test_the_same_content_again_is_no_change(config: Path, pid_file: Path) -> None:
    other = config.with_name("other.conf")
    other.write_text("")
    with pair(pid_file, config, other) as (_, watching):
        config.write_text(config.read_text())
        replacement = config.with_suffix(".new")
        replacement.write_text(config.read_text())
        replacement.rename(config)
        other.write_text("debug: true")
        watching.silent_until(f"(changed: {other})", "sent")


def test_a_file_that_is_missing_for_a_while_is_no_change(config: Path, pid_file: Path) -> None:
    text = config.read_text()
    included = config.with_name("included.conf")
    included.write_text("debug: true")
    config.write_text(text + "include included.conf")
    with pair(pid_file, config) as (_, watching):
        kept = config.rename(config.with_suffix(".away"))
        assert "unchanged" in watching.says(f"cannot read {config}: No such file")
        kept.rename(config)
        watching.says(f"{config} exists again")
        included.write_text("debug: false")
        watching.silent_until(f"(changed: {included})", "sent")


def test_a_change_before_the_reloader_started_is_not_missed(config: Path, pid_file: Path) -> None:
    """Upstream's takes what it finds at its start for what the server has read."""
    with beside.server(pid_file) as server:
        config.write_text("port: 4333\n")
        with beside.reloader(pid_file, config) as watching:
            watching.says("sent SIGHUP to pid")
            server.says("signalled")


def test_a_swap_before_the_reloader_started_is_not_missed(tmp_path: Path, pid_file: Path) -> None:
    """The files of the new folder are older than the server, the link to them is not."""
    folder = tmp_path / "secret"
    for name in ("old", "new"):
        (folder / name).mkdir(parents=True)
        (folder / name / "nats.conf").write_text(name)
    (folder / "..data").symlink_to("old")
    (folder / "nats.conf").symlink_to("..data/nats.conf")
    with beside.server(pid_file):
        (folder / "..tmp").symlink_to("new")
        (folder / "..tmp").rename(folder / "..data")
        with beside.reloader(pid_file, folder / "nats.conf") as watching:
            watching.says("sent SIGHUP to pid")


def test_a_server_that_started_after_the_last_change_is_left_alone(
    config: Path, pid_file: Path
) -> None:
    with pair(pid_file, config) as (_, watching):
        config.write_text("port: 4333\n")
        watching.silent_until(f"(changed: {config})", "sent")


def test_a_restarted_server_is_met_and_not_signalled_for_what_it_read(
    config: Path, pid_file: Path
) -> None:
    with pair(pid_file, config) as (server, watching):
        server.end(signal.SIGTERM)
        config.write_text("port: 4333\n")
        watching.says("waiting for the server: no process has pid")
        with beside.server(pid_file) as successor:
            watching.says(f"server with pid {successor.process.pid}")
            config.write_text("port: 4334\n")
            watching.silent_until(f"SIGHUP to pid {successor.process.pid} (changed", "sent")
            successor.says("signalled")


def test_a_replaced_pid_file_is_followed(config: Path, pid_file: Path) -> None:
    with pair(pid_file, config) as (first, watching), beside.server(pid_file) as second:
        watching.says(f"server with pid {second.process.pid}")
        config.write_text("port: 4333\n")
        second.says("signalled")
        assert first.lines == ["ready\n"]


@pytest.mark.parametrize("gone", ["file", "folder"])
def test_a_file_that_comes_late_is_waited_for(config: Path, pid_file: Path, gone: str) -> None:
    late = config.with_name("late.pem") if gone == "file" else config.parent / "sub" / "late.pem"
    with beside.server(pid_file), beside.reloader(pid_file, config, late) as watching:
        watching.says(f"cannot read {late}: No such file or directory; waiting for it")
        watching.says("watching")
        late.parent.mkdir(exist_ok=True)
        late.write_text("certificate")
        watching.says(f"{late} exists now")
        watching.silent_until(f"(changed: {late})", "sent")


def test_certificates_and_includes_are_followed_without_being_named(
    config: Path, pid_file: Path
) -> None:
    certificate, included = config.with_name("cert.pem"), config.with_name("tls.json")
    included.write_text(f'{{"tls": {{"cert_file": "{certificate}"}}}}')
    config.write_text('include "tls.json"')
    certificate.write_text("serial 1")
    with pair(pid_file, config) as (_, watching):
        certificate.write_text("serial 2")
        watching.silent_until(f"(changed: {certificate})", "sent")


def test_other_files_of_the_same_folder_are_none_of_its_business(
    config: Path, pid_file: Path
) -> None:
    with pair(pid_file, config) as (_, watching):
        config.with_name("nats.log").write_text("lines")
        config.write_text("port: 4333\n")
        watching.silent_until(f"(changed: {config})", "sent")


def test_polling_sees_changes_too(tmp_path: Path, pid_file: Path) -> None:
    volume = Volume(tmp_path / "secret")
    volume.publish(nats_conf="1")
    flags = ("--force-poll", "--poll-interval=100ms")
    with pair(pid_file, volume.folder / "nats.conf", flags=flags) as (server, watching):
        for text in "23":
            volume.publish(nats_conf=text)
            watching.silent_until("(changed:", "sent")
        watching.end(signal.SIGTERM)
    assert not any("inotify" in line for line in watching.lines)
    assert server.lines[:1] == ["ready\n"]


LIMITS = {"max_inotify_instances": "Too many open files", "max_inotify_watches": "No space left"}


@pytest.mark.parametrize("limit", LIMITS)
def test_where_inotify_is_exhausted_it_polls(config: Path, pid_file: Path, limit: str) -> None:
    """A user namespace has limits of its own: here there are none left."""
    enter = ["unshare", "--user", "--map-root-user", "sh", "-c"]
    if subprocess.run([*enter, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not make user namespaces")
    flags = ("-poll-interval", "100ms", "-max-watcher-retries", "1")
    script = f'echo 0 > /proc/sys/user/{limit}; exec "$@"'
    argv = [*enter, script, "sh", *beside.command(pid_file, config, flags=flags)]
    with beside.server(pid_file), beside.speaking(argv, errors=True) as watching:
        watching.says(f"cannot watch: inotify reports {LIMITS[limit]}")
        watching.says("polling every 0.1 s from now on")
        config.write_text("port: 4333\n")
        watching.says(f"(changed: {config})")
        assert watching.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly(config: Path, pid_file: Path, number: int) -> None:
    with pair(pid_file, config) as (server, watching):
        assert watching.end(number) == 0
        assert server.process.poll() is None


def test_contents_are_not_logged(config: Path, pid_file: Path) -> None:
    with pair(pid_file, config) as (_, watching):
        config.write_text("authorization { token: s3cret }")
        watching.says("sent")
        watching.end(signal.SIGTERM)
    assert "s3cret" not in "".join(watching.lines)


def test_another_signal_is_sent_if_asked(config: Path, pid_file: Path) -> None:
    """A real-time signal has no name, and nobody here expects it."""
    with pair(pid_file, config, flags=("-signal", "40")) as (server, watching):
        config.write_text("port: 4333\n")
        watching.says(f"sent signal 40 to pid {server.process.pid}")
        assert server.process.wait(beside.PATIENCE) == -40


def settings(pid_file: Path, *files: Path) -> Settings:
    paths = tuple(str(file) for file in files)
    return Settings(str(pid_file), paths, signal.SIGHUP, 2, 0.001, True, 0.001, 0)


def test_no_server_is_an_error_after_the_last_retry(
    config: Path, pid_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(GivenUp, match=r"cannot read .*nats\.pid: No such file"):
        reloader.run(settings(pid_file, config))
    said = [line for line in capfd.readouterr().err.splitlines() if "again" in line]
    assert [line[-8:] for line in said] == ["(1 of 2)", "(2 of 2)"]


def test_nothing_to_watch_is_an_error_after_the_last_retry(pid_file: Path, tmp_path: Path) -> None:
    with pytest.raises(GivenUp, match=r"no file to watch: /.*/nats.conf: No such file"):
        reloader.run(settings(pid_file, tmp_path / "nats.conf"))


class Ended(Exception):
    """Ends a reloader that runs in the test's own process."""


def run_with_answers(
    monkeypatch: pytest.MonkeyPatch, config: Path, pid_file: Path, answers: list[OSError | None]
) -> int:
    """How often a reloader signalled when each try to is answered like this and changes a file."""
    tries = 0

    def kill(pid: int, number: int) -> None:
        nonlocal tries
        tries += 1
        if not answers:
            raise Ended
        if (answer := answers.pop(0)) is not None:
            raise answer
        config.write_text(f"number {tries}")

    config.write_text("changed")
    monkeypatch.setattr(process, "find", lambda _: Process(4711, 1, 0.0))
    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setattr(reloader, "SETTLE_SECONDS", 0.001)
    with pytest.raises((Ended, GivenUp)):
        reloader.run(settings(pid_file, config))
    return tries


def test_a_signal_that_may_not_be_sent_is_tried_again_and_then_an_error(
    monkeypatch: pytest.MonkeyPatch,
    config: Path,
    pid_file: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    denied: list[OSError | None] = [PermissionError(1, "Operation not permitted")] * 9
    assert run_with_answers(monkeypatch, config, pid_file, denied) == 3
    assert "must run as the server's user; trying again in" in capfd.readouterr().err


def test_success_resets_the_count_of_retries(
    monkeypatch: pytest.MonkeyPatch, config: Path, pid_file: Path
) -> None:
    denied = PermissionError(1, "Operation not permitted")
    answers: list[OSError | None] = [denied, denied, None, denied, denied, None]
    assert run_with_answers(monkeypatch, config, pid_file, answers) == 7


def test_a_server_that_dies_under_the_signal_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, config: Path, pid_file: Path
) -> None:
    gone: list[OSError | None] = [None, ProcessLookupError(3, "No such process"), None]
    assert run_with_answers(monkeypatch, config, pid_file, gone) == 4


def test_it_needs_nothing_but_the_standard_library(config: Path, pid_file: Path) -> None:
    """It stays small: neither OpenSSL nor an event loop nor logging."""
    program = (
        "import sys, natsctl.cli.main, natsctl.cli.run.reloader\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    root = Path(reloader.__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(found.stdout.split())
    assert loaded <= {*sys.stdlib_module_names, "natsctl", "__main__"}
    assert not loaded & {"asyncio", "hashlib", "logging", "ssl", "json"}
