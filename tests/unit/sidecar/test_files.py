"""Which files a configuration leads to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from natsctl.sidecar.files import MAX_LINKS, read_files, references, trail


@pytest.mark.parametrize(
    ("text", "includes", "certificates"),
    [
        ('include "a.conf"', ["/etc/x/a.conf"], []),
        ("include 'a.conf'", ["/etc/x/a.conf"], []),
        ("include ./sub/a.conf", ["/etc/x/sub/a.conf"], []),
        ("include ../a.conf", ["/etc/a.conf"], []),
        ('include "/a.conf"', ["/etc/x/a.conf"], []),
        ('authorization { include "auth.json" }', ["/etc/x/auth.json"], []),
        ('{"include": "a.conf"}', [], []),
        ('# include "a.conf"', [], []),
        ('// include "a.conf"', [], []),
        ("debug: true # don't\ninclude a.conf", ["/etc/x/a.conf"], []),
        (
            '{"tls": {"cert_file": "/t/c.pem",\n"key_file":"/t/k.pem"}}',
            [],
            ["/t/c.pem", "/t/k.pem"],
        ),
        ("tls { cert_file: /t/c.pem, ca_file = '/t/ca.pem' }", [], ["/t/c.pem", "/t/ca.pem"]),
        ("tls {\n  key_file /t/k.pem\n}", [], ["/t/k.pem"]),
        ("routes: [nats://a:6222], tls {cert_file:/t/c.pem}", [], ["/t/c.pem"]),
        ("url: 'nats://x' # cert_file: /no.pem", [], []),
        ("tls { Cert_File: /t/c.pem }", [], ["/t/c.pem"]),
        ("tls { ca_file: $CA }", [], []),
        ('tls { ca_file: "" }', [], []),
        ("tls { ca_file: relative.pem }", [], [os.path.abspath("relative.pem")]),
        ("pre_cert_file: /t/c.pem", [], []),
        ("", [], []),
    ],
)
def test_references(text: str, includes: list[str], certificates: list[str]) -> None:
    assert references(text, "/etc/x") == (tuple(includes), tuple(certificates))


def test_included_files_are_configuration_whatever_they_are_called(tmp_path: Path) -> None:
    texts = {"a.conf": "include b", "b": "include c.conf", "c.conf": "include a.conf"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    found = read_files([str(tmp_path / "a.conf")], {})
    assert sorted(Path(path).name for path in found.files) == ["a.conf", "b", "c.conf"]


def test_what_a_missing_file_included_is_not_forgotten(tmp_path: Path) -> None:
    first, second = tmp_path / "a.conf", tmp_path / "b.conf"
    first.write_text("include b.conf")
    second.write_text("debug: true")
    before = read_files([str(first)], {})
    first.unlink()
    now = read_files([str(first)], before.files)
    assert now.digests == before.digests
    assert now.missing == {str(first): "No such file or directory"}


def test_a_key_is_not_searched_for_references(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("include a.conf")
    assert list(read_files([str(key)], {}).files) == [str(key)]


def test_a_trail_names_every_link_and_the_end(tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    (folder / "..1").mkdir()
    (folder / "..1" / "a.conf").touch()
    (folder / "..data").symlink_to("..1")
    (folder / "a.conf").symlink_to("..data/a.conf")
    (folder / "far.conf").symlink_to(folder / "a.conf")
    steps = ["far.conf", "a.conf", "..data", "..1/a.conf"]
    assert trail(str(folder / "far.conf")) == [str(folder / step) for step in steps]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    circle = tmp_path / "circle"
    circle.symlink_to("circle")
    assert len(trail(str(circle))) == MAX_LINKS + 1
    assert "symbolic links" in read_files([str(circle)], {}).missing[str(circle)]


def test_the_newest_change_is_found_behind_links(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.touch()
    new.symlink_to("old")
    found = read_files([str(old), str(new), str(tmp_path / "none")], {})
    assert found.newest == max(old.lstat().st_ctime, new.lstat().st_ctime)
