"""`natsctl reloader`: upstream's command line around the reloader."""

from collections.abc import Sequence


def run(argv: Sequence[str], prog: str) -> int:
    """Run until stopped; the exit status."""
    raise NotImplementedError(prog)
