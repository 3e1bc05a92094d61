import pytest

from natsctl.model import names


def test_pods_are_numbered_in_decimal_from_one() -> None:
    assert [names.pod_name("c", index) for index in (1, 9, 10, 16)] == [
        "c-1",
        "c-9",
        "c-10",
        "c-16",
    ]


@pytest.mark.parametrize("index", [1, 9, 10, 999])
def test_the_index_of_a_pod_is_read_back(index: int) -> None:
    assert names.pod_index("my-c", names.pod_name("my-c", index)) == index


@pytest.mark.parametrize(
    "name",
    [
        *("c", "c-", "c-0", "c-01", "c-a", "c-1a", "c-1\n", "c--1", "c-\u0661", "d-1", "c-1-1"),
        *("xc-1", "c-" + "9" * 10, "c-" + "9" * 5000),
    ],
)
def test_other_names_have_no_index(name: str) -> None:
    assert names.pod_index("c", name) is None


def test_pods_of_the_go_operator_count_in_hexadecimal() -> None:
    found = [names.hexadecimal_pod_index("c", f"c-{i}") for i in ("9", "a", "10", "1f")]
    assert found == [9, 10, 16, 31]


@pytest.mark.parametrize(
    "name", ["c", "c-", "c-0", "c-0a", "c-A", "c-g", "d-1", "c-mgmt", "c-" + "f" * 5000]
)
def test_other_names_have_no_hexadecimal_index(name: str) -> None:
    assert names.hexadecimal_pod_index("c", name) is None


def test_longest_names_fit_into_a_dns_label() -> None:
    longest = "c" * names.MAX_CLUSTER_NAME
    assert len(names.management_service(longest)) == 63
    assert len(names.pod_name(longest, names.MAX_SIZE)) <= 63


def test_a_server_has_a_name_in_the_headless_service() -> None:
    assert names.server_host("ns", "c", 2) == "c-2.c-mgmt.ns.svc"
