"""The commands. Each is imported only when it is called."""

from natsctl.cli.main import config_reloader, kubectl_natsctl, main, nats_operator, pod_bootconfig

__all__ = ["config_reloader", "kubectl_natsctl", "main", "nats_operator", "pod_bootconfig"]
