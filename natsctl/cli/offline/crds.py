"""`natsctl crds`: what has to be installed before anything else."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from natsctl.api.schema.crds import crds_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

DESCRIPTION = """\
Prints the CustomResourceDefinitions as YAML; pipe it to: kubectl apply --server-side -f -
"""


def parser_of(prog: str) -> argparse.ArgumentParser:
    """There are no flags."""
    return argparse.ArgumentParser(prog=prog, description=DESCRIPTION)


def run(argv: Sequence[str], prog: str) -> int:
    """Print them."""
    parser_of(prog).parse_args(argv)
    sys.stdout.write(crds_yaml())
    return 0
