from typing import Any

import pytest

from natsctl.api.parse import parse_spec
from natsctl.api.release import meant_version
from natsctl.api.version import DEFAULT_VERSION, ServerVersion

DIGEST = "@sha256:0123456789abcdef" + "0" * 48


def meant(kept: str = "", **fields: Any) -> ServerVersion:
    return meant_version(parse_spec({"size": 1, **fields}), kept)


def test_a_new_cluster_gets_the_default_and_another_keeps_what_it_has() -> None:
    assert meant() == ServerVersion.parse(DEFAULT_VERSION)
    assert meant("2.9.25") == ServerVersion.parse("2.9.25")
    assert meant("no tag") == ServerVersion.parse(DEFAULT_VERSION)
    assert meant("2.9.25", version="2.10.29") == ServerVersion.parse("2.10.29")


def test_what_is_told_counts_before_what_the_tag_says() -> None:
    assert meant(version="1.0.7", serverVersion="2.12.15").at_least(2, 12)
    assert not meant("edge", serverVersion="2.12.15").at_least(2, 14)
    assert meant(version="1.0.7", serverVersion="nonsense") == ServerVersion.parse("1.0.7")


@pytest.mark.parametrize("image", [f"nats{DIGEST}", f"registry:5000/a/nats{DIGEST}"])
def test_nobody_knows_what_is_behind_a_digest(image: str) -> None:
    found = meant(serverImage=image)
    assert (str(found), found.guessed, found.matches("2.9.25")) == (
        "sha256-0123456789ab",
        True,
        True,
    )
    kept = meant("2.14.5", serverImage=image)
    assert (str(kept), kept.guessed, kept.matches("2.9.25")) == ("2.14.5", True, True)


def test_unless_the_spec_or_the_image_says_it() -> None:
    image = f"registry:5000/nats:2.12.15{DIGEST}"
    assert meant(serverImage=image) == ServerVersion.parse("2.12.15")
    assert meant(serverImage=image, version="2.9.25") == ServerVersion.parse("2.9.25")
    kept = meant("2.14.5", serverImage=image)
    assert (str(kept), kept.number) == ("2.14.5", (2, 12, 15))
    told = meant(serverImage=f"nats{DIGEST}", serverVersion="2.12.15")
    assert (str(told), told.number) == ("sha256-0123456789ab", (2, 12, 15))


def test_what_stands_for_a_digest_is_kept_for_no_other_image() -> None:
    assert str(meant("sha256-ffffffffffff", serverImage=f"nats{DIGEST}")) == "sha256-0123456789ab"
    assert str(meant("sha256-ffffffffffff")) == DEFAULT_VERSION
