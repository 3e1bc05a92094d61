"""URLs with names and passwords in them."""

from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from natsctl.api.fields import Json
from natsctl.render.inputs import Login


def user_info(login: Login | None) -> str:
    """`user:password@`, every character that means something in a URL escaped."""
    return f"{quote(login.user, safe='')}:{quote(login.password, safe='')}@" if login else ""


def with_login(url: str, login: Login | None) -> str:
    """The URL with a login, unless it has one of its own."""
    scheme, mark, rest = url.partition("://")
    if not mark or "@" in urlsplit(url).netloc:
        return url
    return f"{scheme}://{user_info(login)}{rest}"


def url_keys(urls: Sequence[str]) -> Json:
    """`url` or `urls` of a remote; nats-server 2.0.0 knows no other than the former."""
    return {"url": urls[0]} if len(urls) == 1 else {"urls": list(urls)}


def given_urls(url: str | None, urls: Sequence[str]) -> tuple[str, ...]:
    """The single one first, none twice."""
    return tuple(dict.fromkeys(one for one in (url, *urls) if one))
