"""server.conf, with which a server starts: what only it knows, and what JSON cannot say.

Includes are relative to the file itself. Of a key that appears twice the last one counts, so a
block here stands for that of nats.conf.
"""

import posixpath
from collections.abc import Iterator
from typing import Final

from natsctl.api.fields import Json
from natsctl.api.system_account import included_file
from natsctl.api.types.cluster import NO_POLICY
from natsctl.api.types.listeners import ADVERTISE_DIR
from natsctl.api.types.node import tells_clients
from natsctl.api.types.security import NO_AUTH
from natsctl.model import names
from natsctl.model.store_files import boot_key
from natsctl.render.config.gateways import gateway_block
from natsctl.render.config.jetstream import jetstream_lines
from natsctl.render.config.leafnodes import leafnode_block
from natsctl.render.target import Target

CLIENT_ADVERTISE: Final = f"{ADVERTISE_DIR}/client_advertise.conf"
GATEWAY_ADVERTISE: Final = f"{ADVERTISE_DIR}/gateway_advertise.conf"
LEAF: Final = "leaf"
TAGGED_BOOT: Final = f"{ADVERTISE_DIR}/{names.BOOT_KEY}"
"""What a server with tags of its node starts with: an init container writes it (sidecar/node_tags),
it includes server.conf, and only pods with that container start with it."""


def boot_file(target: Target) -> str:
    """The file that a server starts with."""
    usual = posixpath.join(names.CONFIG_DIR, boot_key(target.inputs.suffix))
    return TAGGED_BOOT if target.spec.server_tags_from_node else usual


def boot_text(target: Target) -> str:
    """The text of server.conf."""
    return "".join(f"{line}\n" for line in (*common_lines(target), *jetstream_lines(target)))


def advertised_blocks(target: Target) -> dict[str, Json]:
    """Key of the Secret -> block, of those that the address of the node is added to."""
    if not advertises(target):
        return {}
    blocks = {"gateway.json": gateway_block(target), "leafnodes.json": leafnode_block(target)}
    return {key: block for key, block in blocks.items() if "port" in block}


def advertises(target: Target) -> bool:
    """Whether servers tell others the external address of their node."""
    return (target.spec.pod or NO_POLICY).advertise_external_ip


def common_lines(target: Target) -> Iterator[str]:
    """Those that servers without a volume of their own can read, too."""
    if target.version.knows_server_name:
        yield f"server_name: ${names.SERVER_NAME_ENV}"
    yield _include(names.CONFIG_KEY)
    if tells_clients(target.spec) or (target.kept and advertises(target)):
        yield _include(_relative(CLIENT_ADVERTISE))
    blocks = {"gateway.json": "gateway", "leafnodes.json": LEAF}
    for key in advertised_blocks(target):
        yield from (f"{blocks[key]} {{", _include(key), _include(_relative(GATEWAY_ADVERTISE)), "}")
    users = included_file(target.spec.auth or NO_AUTH)
    if users:
        yield f"authorization {{ {_include(_relative(users))} }}"


def _include(path: str) -> str:
    return f'include "{path}"'


def _relative(path: str) -> str:
    """A path as nats-server has to be told it: relative to this file, even an absolute one."""
    return posixpath.relpath(posixpath.join(names.CONFIG_DIR, path), names.CONFIG_DIR)
