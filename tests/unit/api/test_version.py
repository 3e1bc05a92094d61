import re

import pytest

from natsctl.api.version import DEFAULT_VERSION, ServerVersion, number_of

parse = ServerVersion.parse


@pytest.mark.parametrize(
    "text",
    ["2.0.0", "1.4.1", "2.1.8-RC18", "2.9.25-alpine3.18", "nightly", "nightly-20201008", "2.1.0.1"],
)
def test_image_tags_are_versions(text: str) -> None:
    assert str(parse(text)) == text


def test_leading_vs_are_trimmed() -> None:
    assert parse("vv2.10.29").text == "2.10.29"


@pytest.mark.parametrize(
    "text", ["", "-2.1.0", ".x", "2.1.0 ", "2.1.0\n", "2.1.0/x", "nats:2.1.0", "é", "x" * 129]
)
def test_what_no_image_can_have_for_a_tag_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r'use the tag of an image, such as "2\.15\.3"'):
        parse(text)
    with pytest.raises(ValueError, match="use the tag of an image"):
        ServerVersion.of_release(text, "2.14.5")


SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "text",
    ["latest", "alpine", "edge-2", "main", SHA, "3141592", "2025.11.29", "2.12.x", "v", "_", "v1x"],
)
def test_a_tag_that_says_no_release_counts_as_newest_until_it_is_known(text: str) -> None:
    found = parse(text)
    assert (found.text, found.guessed) == (text, True)
    assert found.at_least(99, 0)
    assert found.matches("2.9.25")


@pytest.mark.parametrize(
    ("text", "runs", "not_yet", "reported", "other"),
    [
        ("2.12", (2, 12, 99), (2, 13), "2.12.15", "2.1.2"),
        ("v2.12-alpine3.22", (2, 12), (2, 13), "2.12.0", "2.14.5"),
        ("2", (2, 99), (3, 0), "2.15.3", "1.4.1"),
        ("2-scratch", (2, 0), (3, 0), "2.0.0", "20.1.0"),
    ],
)
def test_the_tag_of_a_line_is_its_newest_release(
    text: str, runs: tuple[int, ...], not_yet: tuple[int, int], reported: str, other: str
) -> None:
    found = parse(text)
    assert found.at_least(*runs)
    assert not found.at_least(*not_yet)
    assert found.matches(reported)
    assert not found.matches(other)
    assert not found.guessed


def test_a_release_that_is_told_counts_before_what_the_tag_says() -> None:
    found = ServerVersion.of_release("v1.0.7", "2.9.25")
    assert str(found) == "v1.0.7"
    assert found.at_least(2, 9, 25)
    assert not found.at_least(2, 10)
    assert found.matches("2.9.25")
    assert not found.matches("2.14.5")
    assert ServerVersion.of_release("x", "2.14").matches("2.14.5")
    with pytest.raises(ValueError, match=r"'nine' is not a release.* such as \"2\.15\.3\""):
        ServerVersion.of_release("x", "nine")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2.14.5", (2, 14, 5)),
        ("2.15.0-dev", (2, 15, 0)),
        ("2.11.0-RC.1", (2, 11, 0)),
        ("2.15.0-preview.2", (2, 15, 0)),
        ("", None),
        ("dev", None),
        ("2", None),
        ("2.14.5\n", None),
        ("9" * 30 + ".1.1", None),
        ("2." + "9" * 30, None),
    ],
)
def test_the_number_of_what_a_server_reports(text: str, number: object) -> None:
    assert number_of(text) == number


@pytest.mark.parametrize("text", ["2.14.5", "latest", SHA, "x" * 63])
def test_a_tag_is_its_own_label(text: str) -> None:
    assert parse(text).label == text


@pytest.mark.parametrize("text", ["2.14.5-", "_x", "x" * 64, "x" * 53 + "-" + "y" * 60, "_", "._"])
def test_a_tag_that_cannot_be_a_label_is_cut_and_told_apart(text: str) -> None:
    tag = text if text != "._" else "_._"
    label = parse(tag).label
    assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9._]{0,61}[A-Za-z0-9])?", label)
    assert label != parse(f"{tag}_").label


def test_releases_are_compared_by_number() -> None:
    assert parse("2.10.0").at_least(2, 9)
    assert parse("2.9.0").at_least(2, 9)
    assert not parse("2.9.25").at_least(2, 10)
    assert not parse("2.7.3").at_least(2, 7, 4)


def test_nightly_is_newest() -> None:
    assert parse("nightly").at_least(99, 0)
    assert not parse("nightly").guessed


@pytest.mark.parametrize(
    ("text", "binary"),
    [
        ("2.0.0", "/nats-server"),
        ("2.1.8", "/nats-server"),
        ("2.1.8-RC18", "/nats-server"),
        ("0.1.8", "/gnatsd"),
        ("1.4.1", "/gnatsd"),
        ("nightly", "/bin/nats-server"),
        ("nightly-20201008", "/bin/nats-server"),
        ("2.10.29-alpine", "/usr/local/bin/nats-server"),
        ("2.10.29-alpine3.22", "/usr/local/bin/nats-server"),
        ("2.10-alpine", "/usr/local/bin/nats-server"),
        ("alpine", "/usr/local/bin/nats-server"),
        ("2.14", "/nats-server"),
        ("latest", "nats-server"),
        (SHA, "nats-server"),
    ],
)
def test_the_binary_is_where_the_image_has_it(text: str, binary: str) -> None:
    assert parse(text).binary == binary


@pytest.mark.parametrize(
    ("tag", "reported"),
    [
        ("2.14.10", "2.14.10"),
        ("2.14.10-alpine3.22", "2.14.10"),
        ("2.14.10-scratch", "2.14.10"),
        ("2.14.10-linux", "2.14.10"),
        ("2.11.0-RC.1", "2.11.0-RC.1"),
        ("2.11.0-RC.1-alpine", "2.11.0-RC.1"),
        ("2.14.10-acme1", "2.14.10"),
        ("nightly", "2.15.0-dev"),
    ],
)
def test_a_server_reports_the_version_of_its_tag(tag: str, reported: str) -> None:
    assert parse(tag).matches(reported)


@pytest.mark.parametrize(
    ("tag", "reported"), [("2.14.10", "2.14.50"), ("2.14.10", ""), ("2.14.10", "2.14.10-RC.1")]
)
def test_another_version_does_not_match(tag: str, reported: str) -> None:
    assert not parse(tag).matches(reported)


@pytest.mark.parametrize(
    ("feature", "without", "with_it"),
    [
        ("knows_server_name", "2.1.0", "2.1.2"),
        ("knows_cluster_name", "2.1.9", "2.2.0"),
        ("knows_healthz", "2.7.0", "2.7.4"),
        ("checks_payload", "2.3.0", "2.3.4"),
    ],
)
def test_features_came_with_a_release(feature: str, without: str, with_it: str) -> None:
    assert not getattr(parse(without), feature)
    assert getattr(parse(with_it), feature)


def test_the_default_is_a_version() -> None:
    assert parse(DEFAULT_VERSION).text == DEFAULT_VERSION
