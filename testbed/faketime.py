"""The library that gives a process a wall clock of its own, from Debian's packages."""

from __future__ import annotations

import sysconfig

from testbed import debian

LIBRARY = f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}/faketime/libfaketime.so.1"


def prepare() -> None:
    """Have the library. Inside a testbed no package can be fetched: call this before."""
    debian.install({LIBRARY: "libfaketime"})
