"""`natsctl reloader`: upstream's command line around the reloader.

The flags are those of nats-server-config-reloader, of the operator's time and of today's.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from natsctl import __version__
from natsctl.model import names
from natsctl.sidecar import reloader, volume
from natsctl.sidecar.reloader import GivenUp, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Flag = Callable[..., None]

DEFAULT_PID_FILE = "/var/run/nats/nats.pid"
DEFAULT_FILE = "/etc/nats-config/nats.conf"
DESCRIPTION = """\
Signals nats-server once for each change of its configuration files, of the files that they include,
and of the certificates and keys that they name. Flags can be written with one hyphen or two.
"""
MIN_WAIT = 0.1
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def parser_of(prog: str) -> argparse.ArgumentParser:
    """The flags."""
    parser = argparse.ArgumentParser(
        prog=prog, description=DESCRIPTION, add_help=False, allow_abbrev=False
    )
    flag = partial(_flag, parser)
    _add_files(flag)
    _add_tries(flag)
    _add_polling(flag)
    flag("h", "help", action="help", help="show this help message and exit")
    version = f"natsctl {__version__}"
    flag("v", "version", action="version", version=version, help="show the version and exit")
    return parser


def _flag(parser: argparse.ArgumentParser, *names: str, **options: Any) -> None:
    """Add one by its names, long ones with one hyphen and with two."""
    short = [f"-{name}" for name in names if len(name) == 1]
    long = [f"{hyphens}{name}" for name in names if len(name) > 1 for hyphens in ("-", "--")]
    parser.add_argument(*short, *long, **options)


def _add_files(flag: Flag) -> None:
    flag(
        "c",
        "config",
        action="append",
        dest="files",
        metavar="FILE",
        help=f"file to watch; may be repeated (default: {DEFAULT_FILE})",
    )
    flag(
        "P",
        "pid",
        default=DEFAULT_PID_FILE,
        metavar="FILE",
        help="file that nats-server writes its process id to (default: %(default)s)",
    )


def _add_tries(flag: Flag) -> None:
    flag(
        "signal",
        type=_signal,
        default=1,
        metavar="N",
        help="number of the signal (default: %(default)s, SIGHUP)",
    )
    flag(
        "max-retries",
        type=_count,
        default=30,
        metavar="N",
        help="attempts in a row to find or signal the server before exiting (default: %(default)s)",
    )
    flag(
        "retry-wait-secs",
        type=_count,
        default=4,
        metavar="N",
        help="seconds before the first attempt; later ones wait longer (default: %(default)s)",
    )


def _add_polling(flag: Flag) -> None:
    flag(
        "force-poll",
        nargs="?",
        const=True,
        default=False,
        type=_boolean,
        metavar="BOOL",
        help="poll the files instead of using inotify",
    )
    flag(
        "poll-interval",
        type=_duration,
        default=5.0,
        metavar="5s",
        help="interval between polls (default: 5s)",
    )
    flag(
        "max-watcher-retries",
        type=_count,
        default=3,
        metavar="N",
        help="attempts to use inotify again before switching to polling (default: %(default)s)",
    )


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings; paths become absolute."""
    return Settings(
        pid_file=os.path.abspath(arguments.pid),
        files=tuple(os.path.abspath(file) for file in arguments.files or (DEFAULT_FILE,)),
        signal=arguments.signal,
        max_retries=arguments.max_retries,
        retry_wait=max(MIN_WAIT, arguments.retry_wait_secs),
        force_poll=arguments.force_poll,
        poll_interval=max(MIN_WAIT, arguments.poll_interval),
        max_watcher_retries=arguments.max_watcher_retries,
    )


def run(argv: Sequence[str], prog: str) -> int:
    """Run until SIGTERM or SIGINT (0), or until there is nothing to watch or to signal (1)."""
    settings = settings_of(parser_of(prog).parse_args(argv))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    if folder := os.environ.get(names.WATCHED_DIR_ENV):
        volume.start(names.VOLUME_PORT, settings.pid_file, folder, reloader.say)
    try:
        reloader.run(settings)
    except GivenUp as error:
        reloader.say(f"giving up: {error}")
        return 1


def _stop(number: int, _: object) -> NoReturn:
    reloader.say(f"exiting: {signal.Signals(number).name}")
    sys.exit(0)


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def _signal(text: str) -> int:
    number = int(text)
    if number not in range(1, signal.NSIG):
        raise argparse.ArgumentTypeError(
            f"{text} is not a valid signal; use 1 to {signal.NSIG - 1}"
        )
    return number


def _boolean(text: str) -> bool:
    known = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}
    try:
        return known[text.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError(f"{text!r}: use true or false") from None


def _duration(text: str) -> float:
    """Seconds of a duration as Go writes it."""
    if not re.fullmatch(f"(?:{_PART.pattern})+", text) or not (total := _seconds(text)):
        raise argparse.ArgumentTypeError(f"{text!r}: use a duration such as 5s, 1m30s or 500ms")
    return total


def _seconds(text: str) -> float:
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
