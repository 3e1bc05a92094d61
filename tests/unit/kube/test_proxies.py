"""Which proxy requests to the API server go through."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from aiohttp import web

from natsctl.kube.paths import ApiPath
from natsctl.kube.proxies import proxy_for
from natsctl.kube.transport import connect
from tests.unit.kube.faulty import Faulty, says

API = "https://api.example.test:6443"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, wherever the tests run."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_none_without_a_word_of_one() -> None:
    assert proxy_for(API, None) is None


def test_the_one_of_the_environment_for_the_scheme_of_the_api_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://secure.example.test:3128")
    monkeypatch.setenv("HTTP_PROXY", "plain.example.test:3128")
    assert proxy_for(API, None) == "http://secure.example.test:3128"
    assert proxy_for("http://127.0.0.1:8080", None) == "http://plain.example.test:3128"


@pytest.mark.parametrize(
    "spared", ["api.example.test", ".example.test", "x,api.example.test:6443", "*"]
)
def test_none_for_hosts_that_go_without(monkeypatch: pytest.MonkeyPatch, spared: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.test")
    monkeypatch.setenv("NO_PROXY", spared)
    assert proxy_for(API, None) is None


def test_that_of_the_kubeconfig_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://other.example.test")
    monkeypatch.setenv("NO_PROXY", "*")
    assert proxy_for(API, "http://proxy.example.test") == "http://proxy.example.test"


@pytest.mark.parametrize("text", ["socks5://me:secret@p.test", "http://", "http://[", "http://p:x"])
def test_one_that_cannot_be_used_is_an_error_that_says_where_it_comes_from(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    with pytest.raises(ValueError, match=r"^proxy-url in the kubeconfig is not the URL"):
        proxy_for(API, text)
    monkeypatch.setenv("HTTPS_PROXY", text)
    with pytest.raises(ValueError, match="HTTPS_PROXY is not the URL of an http or https") as found:
        proxy_for(API, None)
    assert "secret" not in str(found.value)


async def test_requests_go_through_it_with_its_password(api: Faulty, tmp_path: Path) -> None:
    """The faulty API server plays the proxy: it is asked for the whole URL of another one."""
    passwords = []

    async def answer(request: web.Request) -> web.Response:
        passwords.append(request.headers["Proxy-Authorization"])
        return web.json_response({"url": str(request.url)})

    api.script.append(answer)
    content = yaml.safe_load(api.kubeconfig.read_text())
    entry = content["clusters"][0]["cluster"]
    through = entry["server"].replace("//", "//me:secret@")
    entry |= {"proxy-url": through, "server": "http://api.example.test"}
    behind = tmp_path / "behind"
    behind.write_text(yaml.safe_dump(content))
    async with connect(str(behind)) as transport:
        reply = await transport.request("GET", ApiPath("/version"))
    assert b"http://api.example.test/version" in reply.body
    assert passwords == ["Basic bWU6c2VjcmV0"]


async def test_a_netrc_file_is_none_of_its_business(
    api: Faulty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a file made each request with a token fail: it is not combined with a password."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    api.script.append(says(200, {"kind": "Status"}))
    async with connect(str(api.kubeconfig)) as connected:
        await connected.request("GET", ApiPath("/version"))
    assert api.lines == ["GET /version"]


async def test_no_request_needs_a_thread(api: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    api.script.append(says(200, {"kind": "Status"}))
    async with connect(str(api.kubeconfig)) as transport:
        monkeypatch.setattr("asyncio.base_events.BaseEventLoop.run_in_executor", None)
        await transport.request("GET", ApiPath("/version"))
    assert api.lines == ["GET /version"]
