"""The reference says what the classes say."""

from pathlib import Path

from natsctl.api.schema.reference import reference
from natsctl.api.types.cluster import SIZE_HELP
from natsctl.model.names import NAME_HELP

PAGE = Path(__file__).parents[4] / "docs" / "reference.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == reference(), "make reference writes it anew"


def test_a_field_with_bounds_a_list_and_a_map() -> None:
    lines = {
        line.split("`")[1]: line for line in reference().splitlines() if line.startswith("| `")
    }
    assert "Required." in lines["spec.size"]
    assert "list of string" in lines["spec.tls.cipherSuites"]
    assert "map of string" in lines["spec.pod.labels"]
    assert "at most 64 items" in lines["spec.tls.cipherSuites"]
    assert "one of `Always`" in lines["spec.pod.reloaderImagePullPolicy"]
    assert "| `nats` |" in lines["spec.serverImage"]
    assert "| `false` |" in lines["spec.paused"]
    assert "| `false` |" in lines["spec.websocketConfig.no_tls"]
    assert "|  |" in lines["spec.version"]


def test_rules_are_told_in_the_words_of_the_api_server() -> None:
    assert f"A cluster of NATS servers. _{NAME_HELP}_" in reference()
    assert f"_{SIZE_HELP}_" in reference()
