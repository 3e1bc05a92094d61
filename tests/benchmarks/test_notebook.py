"""A figure that was measured stays, whatever fails after it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.notebook import Notebook, read


def test_each_figure_is_on_disk_once_it_is_known(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    notebook = Notebook(file)
    notebook.note(rss_idle_mb=56.0)
    assert read(file) == {"rss_idle_mb": 56.0}
    notebook.note(floor_ratio=1.5, rounds=3)
    assert read(file) == {"rss_idle_mb": 56.0, "floor_ratio": 1.5, "rounds": 3}


def test_nothing_noted_is_nothing_read(tmp_path: Path) -> None:
    assert read(tmp_path / "figures.json") == {}
