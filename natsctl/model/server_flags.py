"""What arguments of a server override: its name, its cluster, its store, or how it is asked.

nats-server reads its arguments as Go does, and they count more than the configuration. A server
that stores streams and starts under another name is another member, without any data. So only
flags that are known to leave all of that alone count as harmless, and what is no flag that anybody
knows does not.

https://github.com/nats-io/nats-server/blob/v2.14.0/server/opts.go (ConfigureOptions)
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Overrides(Enum):
    """What a flag replaces of what natsctl configures."""

    NOTHING = auto()
    NAME = auto()
    CLUSTER = auto()
    STORE = auto()
    CONFIGURATION = auto()
    MONITORING = auto()
    PROCESS = auto()
    """Whether the server runs at all, and how it is stopped."""
    UNKNOWN = auto()


@attrs.frozen
class Flag:
    """A flag of nats-server; without `value` it is true or false, and takes no next argument."""

    overrides: Overrides = Overrides.NOTHING
    value: bool = True


@attrs.frozen
class Override:
    """An argument that overrides something: its place, and the name of the flag, if it is one."""

    place: int
    what: Overrides
    flag: str = ""


def _flags(names: str, overrides: Overrides, *, value: bool = True) -> dict[str, Flag]:
    return dict.fromkeys(names.split(), Flag(overrides, value))


FLAGS: Final[Mapping[str, Flag]] = {
    **_flags("client_advertise p port user pass auth", Overrides.NOTHING),
    **_flags("l log log_size_limit max_traced_msg_len r remote_syslog", Overrides.NOTHING),
    **_flags("ports_file_dir profile tlscert tlskey tlscacert", Overrides.NOTHING),
    **_flags("D debug V trace VV DV DVV T logtime logtime_utc", Overrides.NOTHING, value=False),
    **_flags("s syslog tls tlsverify", Overrides.NOTHING, value=False),
    **_flags("n name server_name", Overrides.NAME),
    **_flags("cluster cluster_listen cluster_name", Overrides.CLUSTER),
    **_flags("cluster_advertise connect_retries routes", Overrides.CLUSTER),
    **_flags("no_advertise", Overrides.CLUSTER, value=False),
    **_flags("sd store_dir", Overrides.STORE),
    **_flags("js jetstream", Overrides.STORE, value=False),
    **_flags("c config", Overrides.CONFIGURATION),
    # The address is that of the monitoring port, too.
    **_flags("a addr net m http_port ms https_port", Overrides.MONITORING),
    **_flags("P pid sl signal test_reload", Overrides.PROCESS),
    **_flags("h help help_tls t v version", Overrides.PROCESS, value=False),
}
"""All of nats-server 2.0 to 2.15."""


def overriding(arguments: Iterable[str]) -> Iterator[Override]:
    """The arguments that are not harmless, up to the first one that nobody can read.

    What follows that one may be anything.
    """
    numbered = enumerate(arguments)
    for place, argument in numbered:
        name, given = _read(argument)
        flag = FLAGS.get(name)
        if flag is None:
            yield Override(place, Overrides.UNKNOWN)
            return
        if flag.overrides is not Overrides.NOTHING:
            yield Override(place, flag.overrides, name)
        if flag.value and not given:
            next(numbered, None)


def _read(argument: str) -> tuple[str, bool]:
    """The name of the flag, and whether its value is in the same argument; no name: no flag.

    The kubelet expands references, so an argument with one in the place of its name may become any
    flag: `$` is in no name.
    """
    dashes = 2 if argument.startswith("--") else 1
    name, equals, _ = argument[dashes:].partition("=")
    return (name if argument.startswith("-") else "", bool(equals))
