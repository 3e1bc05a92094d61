"""The commands. Each is imported only when it is called."""

from natsctl.cli.main import main, nats_operator

__all__ = ["main", "nats_operator"]
