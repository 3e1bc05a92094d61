"""The Secret with the servers' configuration."""

import base64

from natsctl.api.fields import Json
from natsctl.model import names
from natsctl.model.store_files import boot_key
from natsctl.render.config.boot import advertised_blocks, boot_text
from natsctl.render.config.conf import config_text, json_text
from natsctl.render.config.jetstream import jetstream_files
from natsctl.render.config.standalone_conf import complete_text
from natsctl.render.metadata import metadata
from natsctl.render.target import Target


def config_secret(target: Target) -> Json:
    """The Secret, named like the cluster, that every pod mounts."""
    included = advertised_blocks(target)
    texts = {names.CONFIG_KEY: complete_text(target) if target.kept else config_text(target)}
    for each in targets_of_keys(target):
        texts[boot_key(each.inputs.suffix)] = boot_text(each)
        included |= jetstream_files(each)
    texts |= {key: json_text(block) for key, block in included.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(target, target.name),
        "type": "Opaque",
        "data": {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()},
    }


def targets_of_keys(target: Target) -> tuple[Target, ...]:
    """One for each key that a server has, the first of them with that of new servers.

    Those whose key nobody knows have no files: their servers do not start.
    """
    known = {each.suffix: each for each in target.earlier.values() if each.is_known}
    known.pop(target.inputs.suffix, None)
    return (target, *(target.with_key(known[suffix]) for suffix in sorted(known)))
