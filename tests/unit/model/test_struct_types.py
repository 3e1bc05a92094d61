"""Threads that read a type for the first time at the same moment."""

from __future__ import annotations

import subprocess
import sys

AT_ONCE = """
import sys, threading
from natsctl.nats.jetstream_assets import stream
sys.setswitchinterval(1e-6)
start = threading.Barrier(8)
def read():
    start.wait()
    list(stream("A", b'{"name":"S","config":{"num_replicas":1},"state":{},"cluster":{}}'))
threads = [threading.Thread(target=read) for _ in range(8)]
for each in threads: each.start()
for each in threads: each.join()
"""

# msgspec keeps what it worked out with the type; gc sees that it does.
NOT_KNOWN = """
import gc, importlib, pkgutil
import msgspec
import natsctl

def structs(base):
    for each in base.__subclasses__():
        yield each
        yield from structs(each)

def is_known(struct):
    return any(type(kept).__name__ == "StructInfo" for kept in gc.get_referents(struct))

class Canary(msgspec.Struct):
    field: int

for found in pkgutil.walk_packages(natsctl.__path__, "natsctl."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
for each in structs(msgspec.Struct):
    if not each.__module__.startswith("msgspec.") and not is_known(each):
        print(each.__module__, each.__qualname__)
"""


def test_answers_of_servers_may_be_read_by_threads_from_the_first_on() -> None:
    """Without it, msgspec ended the process by a segmentation fault, nearly each time."""
    for _ in range(5):
        assert subprocess.run([sys.executable, "-c", AT_ONCE], check=False).returncode == 0


def test_each_type_is_known_when_its_module_is_imported() -> None:
    """Only the one that nobody made known is not. A process of its own: tests read types too."""
    unknown = subprocess.run(
        [sys.executable, "-c", NOT_KNOWN], check=True, capture_output=True, text=True
    )
    assert unknown.stdout == "__main__ Canary\n"
