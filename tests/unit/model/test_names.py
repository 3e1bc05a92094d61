from natsctl.model import names


def test_longest_names_fit_into_a_dns_label() -> None:
    longest = "c" * names.MAX_CLUSTER_NAME
    assert len(names.management_service(longest)) == 63
