"""What the testbed uses of the C library by itself: Python has `os.setns` from 3.12 on."""

from __future__ import annotations

import ctypes
from typing import Final

READ_FROM: Final = "glibc 2.36"


def set_namespace(namespace: int, kind: int) -> None:
    """Take this thread into a namespace (setns(2))."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(namespace, kind):
        raise OSError(ctypes.get_errno(), "cannot enter the network namespace")
