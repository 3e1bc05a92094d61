"""The picture of what the demo printed."""

from __future__ import annotations

from xml.etree import ElementTree

from demo.picture import Told, svg

STEPS = (
    Told(
        "Compare",
        9.0,
        0.5,
        ("3 replicas: <5> acknowledged & 0 lost", "step done in 0.5 s"),
        figures=True,
    ),
    Told("Upgrade", 2.5, 6.0, ("$ kubectl patch",)),
)


def texts() -> list[str]:
    picture = ElementTree.fromstring(svg(STEPS, ["$ kubectl get nats", "", "orders   3"]))
    return [each.text or "" for each in picture.iter("{http://www.w3.org/2000/svg}text")]


def test_it_has_each_step_in_order_and_the_figures() -> None:
    assert texts() == [
        "$ make demo",
        "[  2.5 s] Upgrade: 6.0 s",
        "[  9.0 s] Compare: 0.5 s",
        "          3 replicas: <5> acknowledged & 0 lost",
        "$ kubectl get nats",
        "orders   3",
        "DEMO OK",
    ]


def test_it_is_as_wide_as_the_longest_line() -> None:
    wide = svg([Told("x" * 200, 0.0, 0.0, ())], [])
    width = float(ElementTree.fromstring(wide).attrib["viewBox"].split()[2])
    assert 200 * 7 < width < 220 * 9
