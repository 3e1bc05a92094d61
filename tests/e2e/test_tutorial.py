"""docs/tutorial.md from its first command to its last, as it stands there.

What cannot be had on the testbed is replaced, and nothing else:

* There is no registry: REGISTRY is where the image of this checkout is loaded under, and the
  client's image is one of the program `nats` alone, which is not on its PATH.
* The CustomResourceDefinitions are those of all tests: Helm is told to take them over.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import pytest

from natsctl import __version__
from testbed import components
from tests.documents import Block, Command, blocks, commands
from tests.e2e import images
from tests.e2e.conftest import CONTEXT, Managing
from tests.e2e.kubectl import Kubectl
from tests.e2e.release import forget_owner
from tests.inside import ROOT
from tests.patience import patient

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()
REPLACED = (
    (r"\bREGISTRY\b", "tutorial.test"),
    (r"^helm install ", "helm install --take-ownership "),
    (r"natsio/nats-box:[\w.]+", f"natsctl.testbed/nats-cli:{components.BY_NAME['nats'].version}"),
    (r"-- nats ", "-- /nats "),
    (r"\[nats, ", "[/nats, "),
)
FAILS = "command terminated with exit code 1"
AGE = re.compile(r"(\d+[dhms])+")
pytestmark = pytest.mark.skipif(
    bool(CONTEXT), reason="the image of this checkout is known to a testbed only"
)


def here(text: str) -> str:
    """The same on the testbed."""
    for pattern, replacement in REPLACED:
        text = re.sub(pattern, replacement, text)
    return text


@attrs.frozen
class Reader:
    """Somebody who follows the tutorial in a folder, with a kubeconfig of their own."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Where `kubectl config` writes, and where `natsctl` is."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {"KUBECONFIG": str(self.folder / "kubeconfig"), "PATH": path}

    def save(self, block: Block) -> None:
        """Save a file that the tutorial shows."""
        (self.folder / block.file).write_text(here(block.text))

    def type(self, command: Command) -> None:
        """Run a command; it says what the tutorial says, and fails only if that does."""
        done = subprocess.run(
            ["bash", "-c", f". ./variables; {here(command.line)}; told=$?; {KEEP}; exit $told"],
            cwd=self.folder,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=patient(300),
        )
        printed = done.stdout + done.stderr
        assert (done.returncode != 0) == (FAILS in command.output), f"{command.line}: {printed}"
        assert missing(command.output, printed) == [], f"{command.line}: {printed}"


KEEP = "declare -p TOKEN > variables 2> /dev/null"
"""The tutorial's only variable outlives the shell of its command."""


def missing(expected: Sequence[str], printed: str) -> list[str]:
    """Lines that were not printed, whatever columns are wide and things are old."""

    def plain(line: str) -> list[str]:
        return [AGE.sub("AGE", word) for word in line.split()]

    told = [plain(line) for line in printed.splitlines()]
    return [line for line in expected if plain(line) not in told]


@pytest.fixture
def reader(kubectl: Kubectl, installed: Managing, tmp_path: Path) -> Iterator[Reader]:
    """A reader, alone on the cluster; whatever happens, nothing of the tutorial stays."""
    images.testbed("load", "natsctl", "--as", f"tutorial.test/nats-operator:{__version__}")
    shutil.copy(os.environ["KUBECONFIG"], tmp_path / "kubeconfig")
    (tmp_path / "variables").touch()
    shutil.copytree(ROOT / "charts", tmp_path / "charts")
    installed.ensure()
    with installed.away():
        yield Reader(tmp_path)
        kubectl("delete", "namespace", "nats", "--ignore-not-found", "--wait=false")
        forget_owner(kubectl, "natsclusters.nats.io", "natsserviceroles.nats.io")


def test_the_tutorial(reader: Reader) -> None:
    """Every file, every command."""
    for block in blocks(TUTORIAL):
        if block.file:
            reader.save(block)
        for command in commands(f"```{block.language}\n{block.text}```"):
            reader.type(command)
    assert len(commands(TUTORIAL)) > 20


def test_output_that_differs_is_noticed() -> None:
    """Otherwise the test above could not fail."""
    assert missing(["a  1  10s", "b"], "a 1 2m3s\nc\n") == ["b"]
