"""The Secret with the servers' configuration."""

import base64

from natsctl.api import names
from natsctl.api.fields import Json
from natsctl.render.conf import boot_text, config_text
from natsctl.render.meta import metadata
from natsctl.render.target import Target


def config_secret(target: Target) -> Json:
    """The Secret, named like the cluster, that every pod mounts."""
    texts = {names.CONFIG_KEY: config_text(target), names.BOOT_KEY: boot_text(target)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(target, target.name),
        "type": "Opaque",
        "data": {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()},
    }
