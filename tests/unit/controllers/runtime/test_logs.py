"""Log lines, as text and as JSON."""

import json
import logging

from natsctl.controllers.runtime.logs import JsonFormatter, TextFormatter, set_up_logging


def test_a_record_is_one_line_of_json() -> None:
    record = logging.LogRecord("natsctl.x", logging.WARNING, "", 1, "hello %s", ("you",), None)
    found = json.loads(JsonFormatter().format(record))
    assert found["level"] == "warning"
    assert (found["logger"], found["message"]) == ("natsctl.x", "hello you")


def test_a_traceback_is_part_of_it() -> None:
    try:
        raise ValueError("boom")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "", 1, "failed", (), info)
    formatted = JsonFormatter().format(record)
    assert "\n" not in formatted
    assert "ValueError: boom" in json.loads(formatted)["error"]


def test_the_level_is_set() -> None:
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    try:
        set_up_logging("warning", "json")
        assert root.level == logging.WARNING
        assert isinstance(root.handlers[0].formatter, JsonFormatter)
        set_up_logging("debug", "text")
        assert root.level == logging.DEBUG
    finally:
        root.level, root.handlers[:] = before


def test_no_record_forges_another() -> None:
    try:
        raise ValueError("one\n2026-01-01 ERROR natsctl: forged\x1b[2J")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    said = "x\n2026-01-01 ERROR natsctl: forged\x1b[2J"
    record = logging.LogRecord("x", logging.ERROR, "", 1, "failed: %s", (said,), info)
    first, *rest = TextFormatter("%(levelname)s %(name)s: %(message)s").format(record).split("\n")
    assert first == "ERROR x: failed: x 2026-01-01 ERROR natsctl: forged"
    assert all(line.startswith("  ") for line in rest)
    assert all(line.isprintable() for line in rest)
