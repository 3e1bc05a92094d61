"""Digests of what is secret tell nobody what they are of; those of before still count."""

from __future__ import annotations

import hmac

from natsctl.model.objects import Cluster, Meta
from natsctl.plan.digests import CONTENTS, Compared, Digests, compared_for, unbound
from natsctl.render.inputs import Former

PEPPER = b"pepper"
KEY = ["0123456789abcdef", "chacha"]
OURS = Digests(PEPPER, "ns", "c")
NOON, ONE = "2030-01-01T12:00:00Z", "2030-01-01T13:00:00Z"


class TestADigest:
    def test_is_of_one_cluster(self) -> None:
        """Namespaces and names cannot be moved into each other."""
        places = (("ns", "c"), ("ns", "d"), ("n", "s/c"), ("n", "sc"), ("ns", "c,jetstream.key"))
        found = {Digests(PEPPER, *place).of("jetstream.key", KEY) for place in places}
        assert len(found) == len(places)

    def test_is_of_one_purpose(self) -> None:
        """Else a login of routes would tell whether it is somebody's key and cipher."""
        assert OURS.of("jetstream.key", KEY) != OURS.of("auth.routes", KEY)

    def test_is_keyed(self) -> None:
        assert OURS.of("jetstream.key", KEY) != Digests(b"", "ns", "c").of("jetstream.key", KEY)
        assert b"pepper" not in repr(OURS).encode()

    def test_does_not_depend_on_the_order_of_keys(self) -> None:
        assert OURS.of("x", {"a": 1, "b": 2}) == OURS.of("x", {"b": 2, "a": 1})

    def test_says_what_it_is_keyed_with(self) -> None:
        seals = {d.seal for d in (OURS, Digests(b"other", "ns", "c"), Digests(PEPPER, "ns", "d"))}
        assert len(seals) == 3
        assert Digests(b"", "ns", "c").seal == ""


class TestAnEarlierNatsctl:
    def test_made_them_like_this(self) -> None:
        made = hmac.new(PEPPER, b'["0123456789abcdef","chacha"]', "sha256").hexdigest()
        assert unbound(PEPPER, KEY) == made[:10]

    def test_is_compared_with_for_what_may_be_compared_only(self) -> None:
        parts = {"jetstream.key": KEY, "routes": [3, []]}
        sealed = {path: OURS.of(path, part) for path, part in parts.items()}
        one = Compared(1).with_contents({"routes": "of something else"})
        digests = {"jetstream.key": unbound(PEPPER, KEY)}
        seal = unbound(PEPPER, "which pepper")
        assert OURS.former(parts, sealed, one) == Former(seal, digests)
        assert OURS.former(parts, sealed, Compared()) == Former(seal)
        assert Digests(b"", "ns", "c").former({}, {}, one) == Former()


class TestWhatMayBeCompared:
    def test_are_a_few_contents_so_that_nobody_tries_thousands(self) -> None:
        compared = Compared(CONTENTS)
        for guess in range(1000):
            compared = compared.with_contents({"jetstream.key": str(guess), "routes": "same"})
        allowed = [guess for guess in range(1000) if compared.allows("jetstream.key", str(guess))]
        assert allowed == [*range(CONTENTS)]
        assert compared.allows("routes", "same")
        assert compared.allows("auth.users", "another")
        assert sum(map(len, compared.contents.values())) == CONTENTS + 1

    def test_is_nothing_of_a_cluster_that_is_new(self) -> None:
        def of(created: str | None, began: str) -> int:
            return compared_for(Cluster(Meta(name="c", creation_timestamp=created)), began).most

        assert of(NOON, ONE) == CONTENTS
        assert of(NOON, NOON) == of(ONE, NOON) == of(None, NOON) == of(NOON, "") == 0
