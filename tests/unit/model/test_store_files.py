"""Each encryption key has files of its own, and their names tell which belong together."""

from __future__ import annotations

import pytest

from natsctl.model.store_files import FIRST, PLAIN, boot_key, is_boot_key, store_file, suffix_of


@pytest.mark.parametrize(
    ("suffix", "store", "boot"),
    [
        (FIRST, "jetstream.json", "server.conf"),
        (PLAIN, "jetstream-plain.json", "server-plain.conf"),
        ("0123456789", "jetstream-0123456789.json", "server-0123456789.conf"),
    ],
)
def test_a_suffix_tells_them_apart(suffix: str, store: str, boot: str) -> None:
    assert (store_file(suffix), boot_key(suffix)) == (store, boot)
    assert suffix_of(store) == suffix
    assert is_boot_key(boot)


@pytest.mark.parametrize(
    "name", ["nats.conf", "jetstream-x.json", "server-x.conf", "server.conf.1"]
)
def test_all_else_is_none_of_them(name: str) -> None:
    assert suffix_of(name) is None
    assert not is_boot_key(name)
