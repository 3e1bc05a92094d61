"""The reloader's command line: upstream's, of the operator's time and of today."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from natsctl import __version__
from natsctl.cli import config_reloader, main
from natsctl.cli.run.reloader import parser_of, settings_of
from natsctl.sidecar import volume
from natsctl.sidecar.reloader import Settings


def settings(*argv: str) -> Settings:
    return settings_of(parser_of("reloader").parse_args(argv))


def test_the_defaults_are_those_of_today() -> None:
    files = ("/etc/nats-config/nats.conf",)
    assert settings() == Settings("/var/run/nats/nats.pid", files, 1, 30, 4, False, 5, 3)


@pytest.mark.parametrize(
    "argv",
    [
        ["-config", "/a", "-config", "/b", "-pid", "/p", "-max-retries", "2", "-signal", "12"],
        ["--config", "/a", "--config", "/b", "--pid", "/p", "--max-retries", "2", "--signal", "12"],
        ["-config=/a", "--config=/b", "-pid=/p", "--max-retries=2", "-signal=12"],
        ["-c", "/a", "-c", "/b", "-P", "/p", "-max-retries=2", "--signal=12"],
        ["-c=/a", "-c=/b", "-P=/p", "-max-retries=2", "-signal=12"],
    ],
)
def test_flags_are_understood_however_they_are_written(argv: list[str]) -> None:
    found = settings(*argv)
    assert (found.files, found.pid_file) == (("/a", "/b"), "/p")
    assert (found.max_retries, found.signal) == (2, 12)


@pytest.mark.parametrize(
    ("argv", "force"),
    [(["-force-poll"], True), (["--force-poll=true"], True), (["-force-poll=false"], False)],
)
def test_force_poll(argv: list[str], force: bool) -> None:
    assert settings(*argv, "-retry-wait-secs", "7") == settings("-retry-wait-secs=7")._replace(
        force_poll=force
    )


@pytest.mark.parametrize(
    ("text", "seconds"), [("5s", 5), ("1m30s", 90), ("500ms", 0.5), ("1.5h", 5400), ("1ns", 0.1)]
)
def test_durations_are_go_s(text: str, seconds: float) -> None:
    assert settings("-poll-interval", text).poll_interval == pytest.approx(seconds)


def test_paths_are_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings("-c", "nats.conf").files == (str(tmp_path / "nats.conf"),)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["-signal", "0"], "0 is not a valid signal; use 1 to 64"),
        (["-signal", "999"], "999 is not a valid signal"),
        (["-max-retries", "-1"], "invalid"),
        (["-poll-interval", "5"], "'5': use a duration such as 5s"),
        (["-poll-interval", "0s"], "use a duration"),
        (["-force-poll=maybe"], "'maybe': use true or false"),
        (["--conf", "/a"], "unrecognized arguments"),
        (["/a"], "unrecognized arguments"),
    ],
)
def test_flags_that_cannot_be_used(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        settings(*argv)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["-v", "-version", "--version"])
def test_version(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        config_reloader([flag])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"natsctl {__version__}\n"


@pytest.mark.parametrize("flag", ["-h", "-help", "--help"])
def test_help_names_every_flag(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["reloader", flag])
    assert ended.value.code == 0
    named = set(re.findall(r"--([a-z-]+)", capsys.readouterr().out))
    upstream = {"config", "pid", "max-retries", "retry-wait-secs", "signal", "help", "version"}
    assert named == upstream | {"force-poll", "poll-interval", "max-watcher-retries"}


@pytest.fixture
def _handlers() -> Iterator[None]:
    """The command takes two signals for itself."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_handlers")
def test_nothing_to_do_ends_with_status_1(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    argv = ["-c", str(tmp_path / "nats.conf"), "-P", str(tmp_path / "pid"), "-max-retries", "0"]
    assert config_reloader(argv) == 1
    assert "giving up: no file to watch" in capfd.readouterr().err


def test_it_tells_how_full_a_volume_is_if_it_is_told_where_the_store_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[object, ...]] = []
    monkeypatch.setattr(volume, "start", lambda *given: started.append(given))
    argv = ["-pid", str(tmp_path / "pid"), "-config", str(tmp_path / "none"), "-max-retries", "0"]
    assert config_reloader(argv) == 1
    assert started == []
    monkeypatch.setenv("NATSCTL_STORE_DIR", "/data")
    assert config_reloader(argv) == 1
    assert [given[:3] for given in started] == [(7778, str(tmp_path / "pid"), "/data")]
