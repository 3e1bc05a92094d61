"""nats.conf for servers that start with it alone, as those that the Go operator made do.

Whatever server.conf adds is in it too: without an included file of users such a server would let
everybody in. JetStream is not: it needs a volume, which only pods of natsctl have.
"""

from natsctl.model import names
from natsctl.render.config.boot import common_lines
from natsctl.render.config.conf import config_text
from natsctl.render.target import Target

_END = "}\n"


def complete_text(target: Target) -> str:
    """The configuration, and before its last brace the lines of server.conf."""
    own = f"server_name: ${names.SERVER_NAME_ENV}"
    left_out = {f'include "{names.CONFIG_KEY}"', *(() if target.spec.use_server_name else {own})}
    lines = [line for line in common_lines(target) if line not in left_out]
    text = config_text(target)
    if not lines:
        return text
    return text.removesuffix(_END) + "".join(f"  {line}\n" for line in lines) + _END
