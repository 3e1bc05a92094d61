"""URLs of servers, as Go programs read them."""

import ipaddress
import re

_USER_INFO = r"(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*"
_URL = re.compile(
    rf"(?P<scheme>[a-z][a-z-]*)://(?:{_USER_INFO}@)?"
    r"(?:(?P<name>[A-Za-z0-9._-]+)|\[(?P<address>[0-9A-Fa-f:.]+)\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>(?:/[A-Za-z0-9._~-]*)*)",
    re.ASCII,
)
SERVER_SCHEMES = ("nats", "nats-route", "nats-gateway", "nats-leaf", "tls")
WEBSOCKET_SCHEMES = ("ws", "wss")
WEB_SCHEMES = ("http", "https")


def is_url(text: str, schemes: tuple[str, ...], *, with_port: bool = True) -> bool:
    """Whether it is a URL with one of the schemes, and with a port if that is needed."""
    parts = _URL.fullmatch(text)
    if not parts or parts["scheme"] not in schemes:
        return False
    if parts["address"] and not _is_ipv6(parts["address"]):
        return False
    port = parts["port"]
    return 0 < int(port) < 2**16 if port else not with_port


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
