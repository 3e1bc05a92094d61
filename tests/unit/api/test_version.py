import pytest

from natsctl.api.version import DEFAULT_VERSION, ServerVersion

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
    "text",
    [
        "",
        "v",
        "2",
        "2.12",
        "latest",
        "latest-ish",
        "2.12.x",
        "2.1.0-",
        "2.1.0 ",
        "2.1.0\n",
        "2.1.0/x",
    ],
)
def test_other_text_is_refused_and_the_error_says_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r'write a full version such as "2\.15\.3"'):
        parse(text)


def test_a_version_is_no_longer_than_a_label() -> None:
    assert parse("2.0.0-" + "x" * 57).text
    with pytest.raises(ValueError, match="full version"):
        parse("2.0.0-" + "x" * 58)


def test_releases_are_compared_by_number() -> None:
    assert parse("2.10.0").at_least(2, 9)
    assert parse("2.9.0").at_least(2, 9)
    assert not parse("2.9.25").at_least(2, 10)
    assert not parse("2.7.3").at_least(2, 7, 4)


def test_nightly_is_newest() -> None:
    assert parse("nightly").at_least(99, 0)


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
