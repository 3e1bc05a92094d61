"""The proxy between natsctl and the API server: decided once, as kubectl decides it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMES: Final = ("http", "https")


def proxy_for(server: str, configured: str | None) -> str | None:
    """The proxy that a kubeconfig names (`proxy-url`), else that of the environment; or None.

    The result may contain a password. `server` is the URL of the API server; the environment has
    the variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY. Raises ValueError, which names where the
    proxy comes from, if it cannot be used.
    """
    if configured:
        return _read("proxy-url in the kubeconfig", configured)
    address = urlsplit(server)
    found: Mapping[str, str] = getproxies()
    if address.scheme not in found or proxy_bypass(address.netloc.rpartition("@")[2]):
        return None
    return _read(f"the environment variable {address.scheme.upper()}_PROXY", found[address.scheme])


def _read(origin: str, text: str) -> str:
    """Curl and Go take an address without a scheme for that of an HTTP proxy, too."""
    try:
        url = URL(text if "://" in text else f"http://{text}")
        usable = url.scheme in SCHEMES and bool(url.host)
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"{origin} is not the URL of an http or https proxy; correct or remove it")
    return str(url)
