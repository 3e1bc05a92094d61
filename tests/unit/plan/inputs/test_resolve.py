"""What a configuration takes from outside its spec, and what it waits for."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from natsctl.api.jwts import account_problem
from natsctl.api.parse import parse_spec
from natsctl.model.objects import Meta, Secret
from natsctl.plan.digests import unbound
from natsctl.plan.inputs.chains import UNSIGNED
from natsctl.plan.inputs.resolve import named_secrets, resolve
from natsctl.plan.references import References
from natsctl.render.inputs import Login, Neighbour
from tests.unit.api.jwts import ACCOUNT, OPERATORS, operator_jwt
from tests.unit.api.jwts import ACCOUNTS as SYSTEM_ACCOUNTS
from tests.unit.plan.issuing import MINUTE, every
from tests.unit.plan.references import (
    BEFORE,
    PEPPER,
    account,
    references,
    resolved,
    role,
    routes_secret,
    secret,
    tls_secret,
    token,
    users,
    with_tokens,
)

CLIENTS = {"tls": {"serverSecret": "clients"}}
AUTH = {"auth": {"clientsAuthSecret": "users"}}
ACCOUNTS = {"auth": {"enableServiceAccounts": True}}
ONE = {"users": [{"username": "u", "password": "p4ss"}]}


ROUTES = {"tls": {"routesSecret": "routes"}}


def issued(name: str, kind: str) -> Secret:
    """A TLS Secret with one of those certificates."""
    files = every()[kind]
    data = {"tls.crt": files.cert, "tls.key": files.key, "ca.crt": files.ca}
    return secret(name, dict(data), "kubernetes.io/tls")


def named(**fields: Any) -> frozenset[str]:
    return named_secrets(parse_spec({"size": 1, **fields}))


def test_the_secrets_that_a_spec_names() -> None:
    assert named() == frozenset()
    assert named(**CLIENTS, **AUTH) == {"clients", "users"}
    both = {"clientsAuthSecret": "users", "enableServiceAccounts": True}
    assert named(auth=both) == frozenset()
    assert named(auth=both | {"allowStaticUsers": True}) == {"users"}
    links = {"clusterAuthSecret": "r", "gatewayAuthSecret": "g"}
    assert named(auth=links) == {"r"}
    assert named(auth=links, gatewayConfig={"name": "x"}) == {"r", "g"}
    assert named(operatorConfig={"secret": "o"}) == {"o"}


class TestUsers:
    def test_those_of_a_secret(self) -> None:
        found = resolved(AUTH, references(users(ONE)))
        assert found.inputs.authorization == ONE
        assert (found.missing, found.remarks) == ((), ())

    def test_the_time_they_have(self) -> None:
        spec = {"auth": {"clientsAuthSecret": "users", "clientsAuthTimeout": 5}}
        found = resolved(spec, references(users(ONE))).inputs.authorization
        assert found is not None
        assert found["timeout"] == 5

    def test_a_secret_that_is_not_there(self) -> None:
        found = resolved(AUTH, References(secrets={"users": None}))
        assert found.missing == (
            "Secret users (spec.auth.clientsAuthSecret) does not exist: create it",
        )
        assert found.inputs.authorization is None

    def test_one_that_cannot_be_used(self) -> None:
        found = resolved(AUTH, references(users({"acounts": 1})))
        assert "acounts" in found.missing[0]

    def test_no_user_is_nobody(self) -> None:
        found = resolved(AUTH, references(users({"users": []})))
        assert found.inputs.authorization is None
        assert found.remarks == ("nobody can connect: Secret users has no users and no token",)

    def test_certificates_may_name_them(self) -> None:
        spec = {"auth": {"clientsAuthSecret": "users", "tlsVerifyAndMap": True}} | CLIENTS
        found = resolved(
            spec, references(users({"users": [{"user": "u@x"}]}), tls_secret("clients"))
        )
        assert found.inputs.authorization == {"users": [{"username": "u@x"}]}


class TestServiceAccounts:
    def test_a_user_for_each(self) -> None:
        found = resolved(ACCOUNTS, with_tokens(token()))
        assert found.inputs.authorization == {
            "users": [
                {"username": "worker", "password": "t0ken", "permissions": {"publish": ["a"]}}
            ]
        }

    def test_none_without_a_token(self) -> None:
        for held in ((), (token(""),), (Secret(token().metadata, data={"token": "A"}),)):
            found = resolved(ACCOUNTS, with_tokens(*held))
            assert found.inputs.authorization is None
            assert found.remarks == ("nobody can connect yet: no ServiceAccount has a token",)

    def test_none_without_an_account(self) -> None:
        found = resolved(ACCOUNTS, with_tokens(accounts={}))
        assert found.inputs.authorization is None
        assert "with the label nats_cluster: c" in found.remarks[0]

    def test_static_users_only_if_asked_for(self) -> None:
        auth = {"enableServiceAccounts": True, "clientsAuthSecret": "users"}
        static = {"users": users(ONE | {"default_permissions": {"publish": ["x"]}})}
        alone = resolved({"auth": auth}, with_tokens(token(), secrets=static))
        both = resolved(
            {"auth": auth | {"allowStaticUsers": True}}, with_tokens(token(), secrets=static)
        )
        assert alone.inputs.authorization is not None
        assert both.inputs.authorization is not None
        assert [u["username"] for u in alone.inputs.authorization["users"]] == ["worker"]
        assert [u["username"] for u in both.inputs.authorization["users"]] == ["worker", "u"]
        assert both.inputs.authorization["default_permissions"] == {"publish": ["x"]}

    def test_a_static_token_does_not_go_with_them(self) -> None:
        auth = {"enableServiceAccounts": True, "clientsAuthSecret": "users"}
        spec = {"auth": auth | {"allowStaticUsers": True}}
        found = resolved(spec, with_tokens(token(), secrets={"users": users({"token": "t"})}))
        assert "does not accept together with users" in found.missing[0]

    def test_a_static_user_of_the_same_name_keeps_it(self) -> None:
        auth = {"enableServiceAccounts": True, "clientsAuthSecret": "users"}
        spec = {"auth": auth | {"allowStaticUsers": True}}
        static = users({"username": "worker", "password": "p"})
        found = resolved(spec, with_tokens(token(), secrets={"users": static}))
        assert found.missing == ()
        assert found.inputs.authorization == {"users": [{"username": "worker", "password": "p"}]}


class TestCertificates:
    def test_their_ends_are_told(self) -> None:
        found = resolved(CLIENTS, references(tls_secret("clients")))
        (told,) = found.certificates
        assert (told.listener, told.secret) == ("clients", "clients")
        assert told.not_after.endswith("Z")
        assert found.missing == ()

    def test_a_secret_that_is_not_there_or_lacks_keys(self) -> None:
        assert (
            "Secret clients (certificates of clients)" in resolved(CLIENTS, References()).missing[0]
        )
        one = resolved(CLIENTS, references(secret("clients", {"ca.pem": "", "server.pem": ""})))
        assert one.missing == ("Secret clients lacks the key server-key.pem for clients",)
        two = resolved(CLIENTS, references(Secret(Meta(name="clients"))))
        assert "lacks the keys server.pem, server-key.pem" in two.missing[0]

    def test_a_pair_that_does_not_fit(self) -> None:
        mixed = dict(tls_secret("clients").data or {})
        mixed["server-key.pem"] = (tls_secret("clients", "other").data or {})["server-key.pem"]
        found = resolved(CLIENTS, references(Secret(Meta(name="clients"), data=mixed)))
        assert "Secret clients, certificate of clients: the key" in found.missing[0]
        assert found.trust is None

    def test_what_is_no_base64(self) -> None:
        data = {"ca.pem": "A", "server.pem": "A", "server-key.pem": "A"}
        found = resolved(CLIENTS, references(Secret(Meta(name="clients"), data=data)))
        assert "cannot be read" in found.missing[0]
        assert found.certificates == ()

    def test_one_that_would_break_the_mesh(self) -> None:
        spec = {"tls": {"routesSecret": "routes"}}
        assert resolved(spec, references(routes_secret())).missing == ()
        elsewhere = resolved(spec, references(routes_secret("elsewhere.example.com")))
        assert "c-1.c-mgmt.ns.svc" in elsewhere.missing[0]

    def test_one_whom_nobody_will_ever_check(self) -> None:
        """A single server has no routes; with the second one it gets some."""
        secret = issued("routes", "of-another-ca")
        alone = resolved({"size": 1} | ROUTES, references(secret))
        assert alone.missing == ()
        assert alone.doubts == (f"Secret routes, certificate of routes: {UNSIGNED}",)
        assert UNSIGNED in resolved({"size": 2} | ROUTES, references(secret)).missing[0]
        joins = {"size": 1, "extraRoutes": [{"route": "nats://x:6222"}]}
        assert UNSIGNED in resolved(joins | ROUTES, references(secret)).missing[0]

    def test_times_count_where_they_are_known(self) -> None:
        ended = references(issued("routes", "ended"))
        assert resolved(ROUTES, ended).missing == ()
        now = resolved(ROUTES, attrs.evolve(ended, minute=MINUTE))
        assert "it expired at 20" in now.missing[0]

    def test_gateways_may_know_other_cas(self) -> None:
        fields = {
            "gatewayConfig": {"name": "g", "hostPort": 7222},
            "tls": {"gatewaySecret": "gateways"},
        }
        other = resolved(fields, references(issued("gateways", "of-another-ca")))
        assert other.missing == ()
        assert UNSIGNED in other.doubts[0]
        half = resolved(fields, references(issued("gateways", "for-servers-only")))
        assert "lacks client authentication" in half.missing[0]

    def test_whether_clients_believe_one_is_up_to_them(self) -> None:
        for kind in ("ended", "for-clients-only"):
            found = references(issued("clients", kind), minute=MINUTE)
            told = resolved(CLIENTS, found)
            assert told.missing == ()
            assert "Secret clients, certificate of clients: it" in told.doubts[0]
        other = resolved(CLIENTS, references(issued("clients", "of-another-ca")))
        assert (other.missing, other.doubts) == ((), ())

    @pytest.mark.parametrize(
        ("listener", "fields"),
        [
            ("leafnodes", {"leafnodeConfig": {"hostPort": 7422}, "tls": {"leafnodeSecret": "s"}}),
            ("websocket", {"websocketConfig": {"port": 443}, "tls": {"websocketSecret": "s"}}),
        ],
    )
    def test_so_it_is_for_leaf_nodes_and_websockets(
        self, listener: str, fields: dict[str, Any]
    ) -> None:
        for kind, told in (("ended", "it expired at"), ("for-clients-only", "lacks server")):
            found = resolved(fields, references(issued("s", kind), minute=MINUTE))
            assert found.missing == ()
            assert found.doubts[0].startswith(f"Secret s, certificate of {listener}: ")
            assert told in found.doubts[0]
        mixed = dict(tls_secret("s").data or {})
        mixed["server-key.pem"] = (tls_secret("s", "other").data or {})["server-key.pem"]
        names = {
            f"{field}{kind}FileName": f"server{end}.pem"
            for field in fields["tls"]
            for kind, end in (("Cert", ""), ("Key", "-key"))
        }
        unfit = {**fields, "tls": fields["tls"] | names}
        broken = resolved(unfit, references(Secret(Meta(name="s"), data=mixed)))
        assert f"Secret s, certificate of {listener}: the key" in broken.missing[0]

    def test_files_at_absolute_paths_are_not_looked_into(self) -> None:
        tls = {
            "serverSecret": "clients",
            "serverSecretCertFileName": "/x/cert",
            "serverSecretKeyFileName": "/x/key",
        }
        found = resolved({"tls": tls}, references(tls_secret("clients")))
        assert (found.missing, found.certificates) == ((), ())
        assert found.trust is not None
        assert found.trust.cert == b""

    def test_without_a_ca(self) -> None:
        data = dict(tls_secret("clients").data or {})
        del data["ca.pem"]
        found = resolved(CLIENTS, references(Secret(Meta(name="clients"), data=data)))
        assert found.trust is not None
        assert found.trust.ca is None

    def test_the_operator_shows_the_servers_certificate_where_clients_are_verified(self) -> None:
        verified = resolved(
            {"tls": CLIENTS["tls"] | {"verify": True}}, references(tls_secret("clients"))
        )
        assert verified.trust is not None
        assert verified.trust.is_client
        assert verified.can_connect


OPERATED = {"operatorConfig": {"secret": "o", "systemAccount": ACCOUNT}}


def op(jwt: str) -> Secret:
    return secret("o", {"op.jwt": jwt})


class TestOperatorJwt:
    def test_one_that_servers_start_with(self) -> None:
        found = resolved(OPERATED, references(op(operator_jwt())))
        assert found.missing == ()
        assert "operatorConfig.jwt" in found.inputs.sealed

    def test_its_content_counts(self) -> None:
        digests = {
            resolved(OPERATED, references(op(operator_jwt(url)))).inputs.sealed[
                "operatorConfig.jwt"
            ]
            for url in ("", "https://example.com/jwt/v1/")
        }
        assert len(digests) == 2

    @pytest.mark.parametrize("name", ["garbage", "forged", "of-an-account"])
    def test_one_that_ends_servers(self, name: str) -> None:
        found = resolved(OPERATED, references(op(OPERATORS[name][0])))
        assert found.missing[0].startswith("Secret o, key op.jwt: ")
        assert "operatorConfig.jwt" not in found.inputs.sealed

    def test_one_that_is_not_there(self) -> None:
        assert resolved(OPERATED, references(secret("o", {}))).missing == (
            "Secret o lacks the key op.jwt",
        )
        assert "Secret o (spec" in resolved(OPERATED, References()).missing[0]

    @pytest.mark.parametrize("name", SYSTEM_ACCOUNTS)
    def test_the_system_account_beside_it(self, name: str) -> None:
        jwt, since = SYSTEM_ACCOUNTS[name]
        if account_problem(ACCOUNT, jwt, None):
            return  # the spec is refused
        preload = {"resolver": "MEMORY", "resolverPreload": {ACCOUNT: jwt}}
        spec = {"operatorConfig": {**OPERATED["operatorConfig"], **preload}}
        timeless = resolved(spec, references(op(operator_jwt())))
        found = resolved(spec, references(op(operator_jwt()), minute=MINUTE))
        assert (found.missing == ()) is (since != "9.0.0")
        assert (timeless.missing == ()) is (
            found.missing == () or name in ("ended", "not-valid-yet")
        )


class TestLinks:
    def test_credentials_of_routes_and_gateways(self) -> None:
        auth = {"clusterAuthSecret": "r", "gatewayAuthSecret": "g"}
        spec = {"auth": auth, "gatewayConfig": {"name": "x", "hostPort": 7222}}
        login = {"username": "u", "password": "p"}
        found = resolved(spec, references(users(login, "r"), users(login, "g")))
        assert found.inputs.routes == found.inputs.gateways == Login("u", "p")
        assert resolved({"auth": auth}, references(users(login, "r"))).inputs.gateways is None

    def test_credentials_that_are_none(self) -> None:
        spec = {"auth": {"clusterAuthSecret": "r"}}
        found = resolved(spec, references(users({"token": "t"}, "r")))
        assert "needs exactly one username" in found.missing[0]
        assert "Secret r (spec.auth.clusterAuthSecret)" in resolved(spec, References()).missing[0]

    def test_other_clusters(self) -> None:
        other = parse_spec(
            {"size": 2, "auth": {"clusterAuthSecret": "r"}, "tls": {"routesSecret": "x"}}
        )
        plain = parse_spec({"size": 1})
        spec = {"extraRoutes": [{"cluster": "a"}, {"cluster": "b"}]}
        found = resolved(
            spec,
            references(
                users({"username": "u", "password": "p"}, "r"), neighbours={"a": other, "b": plain}
            ),
        )
        assert found.inputs.neighbours == {
            "a": Neighbour(2, Login("u", "p"), encrypted=True),
            "b": Neighbour(1),
        }

    def test_other_clusters_with_unusable_credentials_are_remarked(self) -> None:
        other = parse_spec({"size": 2, "auth": {"clusterAuthSecret": "r"}})
        spec = {"extraRoutes": [{"cluster": "a"}]}
        found = resolved(spec, references(users({}, "r"), neighbours={"a": other}))
        assert found.inputs.neighbours["a"].login is None
        assert found.remarks[0].startswith("extraRoutes, cluster a: Secret r")


def test_the_operators_jwt() -> None:
    spec = {"operatorConfig": {"secret": "o", "systemAccount": "A" * 56, "resolver": "MEMORY"}}
    assert resolved(spec, references(op(operator_jwt()))).missing == ()
    assert resolved(spec, references(secret("o", {"x": "x"}))).missing == (
        "Secret o lacks the key op.jwt",
    )
    assert "Secret o (spec.operatorConfig.secret)" in resolved(spec, References()).missing[0]


class TestSeals:
    def test_they_change_with_what_they_seal(self) -> None:
        def sealed(password: str, clients: str = "*.c-mgmt.ns.svc", size: int = 3) -> Any:
            content = {"users": [{"username": "u", "password": password}]}
            found = references(users(content), tls_secret("clients", clients))
            return resolved({"size": size} | AUTH | CLIENTS, found).inputs.sealed

        one = sealed("p")
        assert set(one) == {"auth.users", "tls.certificates", "routes"}
        assert sealed("p") == one
        assert sealed("q")["auth.users"] != one["auth.users"]
        assert sealed("p", "x.example.com")["tls.certificates"] != one["tls.certificates"]
        assert sealed("p", size=4)["routes"] != one["routes"]

    def test_those_of_another_cluster_tell_nothing(self) -> None:
        """Who reads one, and has a NatsCluster elsewhere, cannot try what it is a digest of."""
        found = references(users({"username": "u", "password": "p"}, "routes"))
        spec = parse_spec(
            {"size": 3, "version": "2.14.10", "auth": {"clusterAuthSecret": "routes"}}
        )
        one, *others = (
            resolve(*place, spec, found).inputs
            for place in (("ns", "c"), ("ns", "d"), ("evil", "c"), ("n", "sc"))
        )
        assert one.sealed.keys() == {"auth.routes", "routes"}
        for other in others:
            assert not {*one.sealed.values(), one.seal} & {*other.sealed.values(), other.seal}

    def test_those_of_an_earlier_natsctl_are_known_where_they_may_be_compared(self) -> None:
        found = references(users({"users": [{"username": "u", "password": "p"}]}))
        new = resolved(AUTH, found).inputs
        assert new.former.digests == {}
        old = resolved(AUTH, attrs.evolve(found, compared=BEFORE)).inputs
        assert old.former.digests.keys() == old.sealed.keys()
        assert old.former.digests["routes"] == unbound(PEPPER, [3, []])
        assert old.former.seal == new.former.seal == unbound(PEPPER, "which pepper")
        assert (old.sealed, old.seal) == (new.sealed, new.seal)


def test_nothing_secret_is_shown() -> None:
    """Whoever prints these values, by accident or in a traceback."""
    planted = "pl4nted"
    held = token(planted, previous=f"{planted}-before")
    static = {"users": users({"users": [{"username": "u", "password": planted}]})}
    auth = {"enableServiceAccounts": True, "clientsAuthSecret": "users", "allowStaticUsers": True}
    found = resolved(
        {"auth": auth | {"clusterAuthSecret": "r"}},
        with_tokens(
            held, secrets=static | {"r": users({"username": "u", "password": planted}, "r")}
        ),
    )
    assert found.inputs.authorization is not None
    shown = repr(found) + repr(attrs.evolve(found.inputs)) + repr(found.grants)
    assert planted not in shown
    assert msgspec.json.encode(planted).decode().strip('"') not in shown


def test_roles_and_accounts_do_not_matter_without_being_asked_for() -> None:
    found = resolved({}, with_tokens(token(), accounts={"worker": (account(), account("b"))}))
    assert found.inputs.authorization is None
    assert (found.grants, found.remarks) == ((), ())


@pytest.mark.parametrize("given", [{"publish": []}, {"subscribe": []}])
def test_an_empty_list_of_a_role_changes_no_digest(given: dict[str, Any]) -> None:
    """It is there for the servers, and yet an upgrade of natsctl restarts none for it."""
    wanted: dict[str, Any] = {"subscribe": ["a"]} if "publish" in given else {}
    plain, empty = (
        resolved(ACCOUNTS, with_tokens(token(), roles=(role(**wanted, **more),))).inputs
        for more in ({}, given)
    )
    assert plain.sealed["auth.users"] == empty.sealed["auth.users"]
    assert empty.authorization is not None
    (user,) = empty.authorization["users"]
    assert user["permissions"] == {**wanted, **given}
