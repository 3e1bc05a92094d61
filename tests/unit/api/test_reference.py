"""The reference says what the classes say."""

from pathlib import Path

from natsctl.api.reference import reference

PAGE = Path(__file__).parents[3] / "docs" / "reference.md"


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
