"""The digest that a server reports of the configuration it has loaded, computed from outside.

A server from 2.11 on hashes its merged configuration as Go encodes it in JSON (server/opts.go).
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from natsctl.api.system_account import included_file
from natsctl.api.types.cluster import NO_POLICY
from natsctl.api.types.listeners import reads_node
from natsctl.api.types.security import NO_AUTH
from natsctl.model import names
from natsctl.render.config.conf import server_config
from natsctl.render.config.jetstream import loaded_jetstream
from natsctl.render.pod.pod import split_containers
from natsctl.render.target import Target

_NAME: Final = "server_name"
_ESCAPED: Final = str.maketrans(
    {char: f"\\u{ord(char):04x}" for char in ("<", ">", "&", "\u2028", "\u2029")}
)


def config_digest(config: Mapping[str, Any]) -> str:
    """What /varz says in `config_digest`, of a configuration with all includes merged in."""
    return _digest(_encoded(config))


def expected_digests(target: Target) -> Callable[[str], str | None]:
    """Name of a server -> what it reports once it runs the target's configuration.

    What servers have in common may be long (999 routes), and is rendered and encoded once.
    None where a server reports no digest (below 2.11), or where its configuration includes what
    only its pod knows: a file of users, what its node tells, a name of the user's choice.
    """
    if not target.version.at_least(2, 11) or _is_private(target):
        return lambda name: None
    config = server_config(target) | loaded_jetstream(target)
    before = _encoded({key: value for key, value in config.items() if key < _NAME})
    after = _encoded({key: value for key, value in config.items() if key > _NAME})

    def digest(name: str) -> str:
        return _digest(before, _encoded({_NAME: name}), after)

    return digest


def _encoded(config: Mapping[str, Any]) -> bytes:
    """The members of an object, in the order of their keys."""
    text = json.dumps(config, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text[1:-1].translate(_ESCAPED).encode()


def _digest(*members: bytes) -> str:
    """Of an object with these members; ranges of keys that have none are left out."""
    encoded = b"{" + b",".join(filter(None, members)) + b"}\n"
    return f"sha256:{hashlib.sha256(encoded).hexdigest()}"


def _is_private(target: Target) -> bool:
    return (
        reads_node(target.spec)
        or included_file(target.spec.auth or NO_AUTH) is not None
        or _names_itself(target)
    )


def _names_itself(target: Target) -> bool:
    template = (target.spec.template or {}).get("spec", {})
    base, _ = split_containers(template.get("containers", ()))
    policy = target.spec.pod or NO_POLICY
    given = (*base.get("env", ()), *policy.nats_env)
    return any(variable["name"] == names.SERVER_NAME_ENV for variable in given)
