"""Secrets of earlier versions, of the Go operator and of strangers, with a bound token's name."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from msgspec.structs import replace

from natsctl.model.bound_tokens import ACCOUNT_UID
from natsctl.model.objects import OwnerReference, Secret
from natsctl.plan.service_accounts.adoption import Kept, kept_token, objection, passwords_of
from natsctl.plan.service_accounts.grants import Grant, grants_of
from natsctl.plan.service_accounts.seals import labels_of
from tests.unit.plan.references import account, secret, unsealed, with_tokens

UID = "secret-uid"
OURS = labels_of("ns", "c")
GO = {"app": "nats", "nats_cluster": "c"}
ROLE = OwnerReference(kind="NatsServiceRole", name="worker", uid="role-worker")


def grant(namespace: str = "ns") -> Grant:
    (found,) = grants_of("ns", "c", with_tokens(accounts={"worker": (account(namespace),)}))
    return found


def jwt(**claims: Any) -> str:
    """A token as the TokenRequest API makes it, bound to that very Secret."""
    bound = {"secret": {"uid": UID}, "serviceaccount": {"uid": "sa"}}
    told = {"kubernetes.io": bound, "iat": 1_767_225_600, "exp": 1_767_225_600 + 1000} | claims
    body = base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")
    return f"head.{body}.signature"


def live(text: str, previous: str = "", **meta: Any) -> Secret:
    usual: dict[str, Any] = {"uid": UID, "labels": OURS}
    return unsealed(text, previous=previous, **(usual | meta))


class TestWhoseItIs:
    def test_the_labels_of_natsctl_or_the_owner_of_the_go_operator_say_so(self) -> None:
        assert objection(live(""), grant()) == ""
        assert objection(live("", namespace="b"), grant("b")) == ""
        assert objection(live("", labels=GO, owner_references=(ROLE,)), grant()) == ""

    def test_beside_a_cluster_its_own_accounts_come_first(self) -> None:
        """Whoever has a cluster of that name elsewhere takes no name away here."""
        squatted = labels_of("evil", "c")
        assert objection(live("", labels=squatted), grant()) == ""
        assert "left alone" in objection(live("", namespace="b", labels=squatted), grant("b"))
        forged = squatted | {"app.kubernetes.io/managed-by": "me"}
        assert "left alone" in objection(live("", labels=forged), grant())

    @pytest.mark.parametrize(
        "meta",
        [
            {"labels": None},
            {"labels": GO},
            {"labels": OURS | {"nats_cluster": "b-c"}},
            {"labels": GO, "owner_references": (OwnerReference(kind="NatsServiceRole", uid="x"),)},
            {"labels": {"app": "nats"}, "owner_references": (ROLE,)},
        ],
    )
    def test_all_others_are_left_alone(self, meta: dict[str, Any]) -> None:
        assert "left alone" in objection(live("", **meta), grant())

    def test_so_is_one_that_is_going(self) -> None:
        going = live("", deletion_timestamp="2026-01-01T00:00:00Z")
        assert "is being deleted" in objection(going, grant())


class TestItsToken:
    def test_it_stays_if_the_servers_have_it_and_it_is_of_this_very_secret(self) -> None:
        token = jwt()
        times = ("2026-01-01T00:16:40Z", "2026-01-01T00:13:20Z")
        expected = Kept(token, True, *times)
        assert kept_token(live(token), grant(), {"worker": token}) == expected
        far = live(token, namespace="b")
        assert kept_token(far, grant("b"), {"worker_b": token}) == expected
        assert kept_token(far, grant("b"), {"worker": token}) == expected

    def test_the_previous_one_stays_until_the_change_over(self) -> None:
        old, new = jwt(jti="old"), jwt(jti="new")
        found = kept_token(live(new, previous=old), grant(), {"worker": old})
        assert found is not None
        assert (found.token, found.current) == (old, False)

    def test_one_of_the_go_operator_beside_the_cluster_is_never_renewed(self) -> None:
        token = jwt()
        found = live(token, labels=GO, owner_references=(ROLE,))
        assert kept_token(found, grant(), {"worker": token}) == Kept(token, True)
        far = kept_token(found, grant("b"), {"worker_b": token})
        assert far is not None
        assert far.renew_after

    @pytest.mark.parametrize("passwords", [{}, {"worker": "other"}, {"else": jwt()}])
    def test_one_that_the_servers_do_not_have_is_not_believed(
        self, passwords: dict[str, str]
    ) -> None:
        assert kept_token(live(jwt()), grant(), passwords) is None

    @pytest.mark.parametrize(
        "token",
        [
            "hunter2",
            "a.b.c",
            "a.!.c",
            f"a.{base64.urlsafe_b64encode(b'[1]').decode()}.c",
            jwt(**{"kubernetes.io": 7}),
            jwt(**{"kubernetes.io": {"secret": "s", "serviceaccount": {"uid": "sa"}}}),
            jwt(**{"kubernetes.io": {"secret": {"uid": UID}, "serviceaccount": "sa"}}),
            jwt(**{"kubernetes.io": {"secret": {"uid": UID}, "serviceaccount": {"uid": "x"}}}),
            jwt(**{"kubernetes.io": {"secret": {"uid": "x"}, "serviceaccount": {"uid": "sa"}}}),
        ],
    )
    def test_nor_one_that_somebody_chose_even_if_they_do(self, token: str) -> None:
        assert kept_token(live(token), grant(), {"worker": token}) is None

    def test_nor_one_of_an_account_that_was_made_anew(self) -> None:
        token = jwt()
        for uid, counts in (("before", False), ("sa", True)):
            found = kept_token(
                live(token, annotations={ACCOUNT_UID: uid}), grant(), {"worker": token}
            )
            assert (found is not None) == counts

    @pytest.mark.parametrize(
        ("times", "renewal"),
        [
            ({"iat": None}, ""),
            ({"exp": "soon"}, ""),
            ({"exp": 10**30}, "1970-01-01T00:00:00Z"),
        ],
    )
    def test_times_that_no_calendar_has(self, times: dict[str, Any], renewal: str) -> None:
        token = jwt(**times)
        found = kept_token(live(token), grant(), {"worker": token})
        assert found is not None
        assert found.renew_after == renewal


class TestTheRunningConfiguration:
    def test_its_users(self) -> None:
        users = [{"username": "a", "password": "p"}, {"nkey": "N"}, 7, {"username": "b"}]
        conf = json.dumps({"authorization": {"users": users}})
        assert passwords_of(secret("c", {"nats.conf": conf})) == {"a": "p"}

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "{}", '{"authorization": 7}', '{"authorization": {"users": {}}}']
    )
    def test_there_are_none(self, text: str) -> None:
        assert passwords_of(secret("c", {"nats.conf": text})) == {}
        assert passwords_of(replace(secret("c", {}), data={"nats.conf": "!"})) == {}
        assert passwords_of(None) == passwords_of(Secret(secret("c", {}).metadata)) == {}
