"""`natsctl bootconfig`: writes what a server advertises as its external address."""

from collections.abc import Sequence


def run(argv: Sequence[str], prog: str) -> int:
    """Run once; the exit status."""
    raise NotImplementedError(prog)
