"""Which tags a server with streams has, and which of them keep replicas apart."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.nats.jetstream_pages import healthy, read


def test_a_server_tells_its_tags_and_which_of_them_is_unique() -> None:
    pages = healthy()
    assert (read(pages).tags, read(pages).unique_tag) == ((), "")
    pages["varz"] |= {"tags": ["fast", "zone:a"]}
    pages["jsz"]["config"] |= {"unique_tag": "zone:"}
    said = read(pages)
    assert (said.tags, said.unique_tag) == (("fast", "zone:a"), "zone:")


@pytest.mark.parametrize("tags", [["x"] * 129, ["x" * 129], ["a\n"], "zone:a", [7]])
def test_tags_that_no_server_has_make_it_no_server(tags: Any) -> None:
    pages = healthy()
    pages["varz"] |= {"tags": tags}
    assert read(pages).problem.startswith("its answer is not usable")
