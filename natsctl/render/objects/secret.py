"""The Secret with the servers' configuration."""

import base64

from natsctl.api.fields import Json
from natsctl.model import names
from natsctl.render.config.boot import advertised_blocks, boot_text
from natsctl.render.config.conf import config_text, json_text
from natsctl.render.config.jetstream import jetstream_files
from natsctl.render.config.standalone_conf import complete_text
from natsctl.render.metadata import metadata
from natsctl.render.target import Target


def config_secret(target: Target) -> Json:
    """The Secret, named like the cluster, that every pod mounts."""
    included = advertised_blocks(target) | jetstream_files(target)
    texts = {
        names.CONFIG_KEY: complete_text(target) if target.kept else config_text(target),
        names.BOOT_KEY: boot_text(target),
        **{key: json_text(block) for key, block in included.items()},
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(target, target.name),
        "type": "Opaque",
        "data": {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()},
    }
