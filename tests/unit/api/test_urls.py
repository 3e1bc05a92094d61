import pytest

from natsctl.api.urls import SERVER_SCHEMES, WEB_SCHEMES, is_url


@pytest.mark.parametrize(
    "url",
    [
        "nats://h:1",
        "nats-route://u:p%40@h-1.a_b:65535",
        "tls://127.0.0.1:6222",
        "nats://[::1]:6222",
        "nats://[2001:db8::ffff:1.2.3.4]:6222",
        "nats-leaf://user@h:1/path/to",
        "nats-gateway://h:1",
    ],
)
def test_servers_have_such_urls(url: str) -> None:
    assert is_url(url, SERVER_SCHEMES)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h:1",
        "nats://",
        "nats://h",
        "nats://:1",
        "nats://h:0",
        "nats://h:65536",
        "nats://h:x",
        "nats://::1:6222",
        "nats://[::1",
        "nats://[::g]:1",
        "nats://[:::1]:1",
        "nats://u:p@ss@h:1",
        "nats://u:p%@h:1",
        "nats://h:1?q",
        "nats://h:1 ",
        "nats://h:1\n",
        "http://h:1",
    ],
)
def test_and_no_others(url: str) -> None:
    assert not is_url(url, SERVER_SCHEMES)


def test_a_port_may_go_without_saying() -> None:
    assert is_url("https://h/path", WEB_SCHEMES, with_port=False)
    assert is_url("https://h:8443", WEB_SCHEMES, with_port=False)
    assert not is_url("https://h:0", WEB_SCHEMES, with_port=False)
