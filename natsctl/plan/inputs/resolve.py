"""From what Secrets, roles and ServiceAccounts hold to what rendering takes from outside a spec."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import attrs

from natsctl.api.jwts import operator_problem, read
from natsctl.api.problems import InvalidSpec
from natsctl.api.system_account import uses_static_users as uses_static_users
from natsctl.api.types.cluster import NatsClusterSpec
from natsctl.api.types.security import NO_AUTH, AuthConfig
from natsctl.api.types.server_config import NatsConfig
from natsctl.api.types.status import CertificateStatus
from natsctl.model import names
from natsctl.model.objects import Secret
from natsctl.model.server_identity import server_host
from natsctl.model.times import known
from natsctl.plan.digests import Digests
from natsctl.plan.inputs.certificates import (
    Certificate,
    inspect,
    route_problem,
    time_problem,
    usage_problem,
)
from natsctl.plan.inputs.chains import chain_problem
from natsctl.plan.inputs.jetstream_key import key_problem
from natsctl.plan.inputs.users import LONGEST, Terms, authorization_of, login_of, nobody_allowed
from natsctl.plan.references import Key, References
from natsctl.plan.service_accounts.grants import Grant, grants_of, unwanted
from natsctl.render.config import tls
from natsctl.render.inputs import ConfigInputs, Files, Login, Neighbour
from natsctl.render.revision.revision import OPERATOR_JWT, STREAM_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@attrs.frozen
class Trust:
    """What the operator needs for TLS connections to the servers' client and monitoring ports."""

    ca: bytes | None
    cert: bytes = b""
    key: bytes = attrs.field(default=b"", repr=False)
    is_client: bool = False


@attrs.frozen
class ResolvedInputs:
    """What came of the sources.

    `missing` says why there is no configuration to be made; `remarks` what is worth knowing,
    `doubts` the same of certificates.
    `unwanted` are bound-token Secrets of ours that are to go.
    `can_connect`: the operator has a key, and servers that ask for a certificate take its own.
    """

    inputs: ConfigInputs = attrs.field(factory=ConfigInputs)
    missing: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    certificates: tuple[CertificateStatus, ...] = ()
    grants: tuple[Grant, ...] = ()
    unwanted: tuple[Secret, ...] = ()
    trust: Trust | None = None
    can_connect: bool = True


def named_secrets(spec: NatsClusterSpec) -> frozenset[str]:
    """Secrets of its namespace that a spec names and whose content the operator reads."""
    auth = spec.auth or NO_AUTH
    secrets = {auth.cluster_auth_secret, *tls.secrets(spec).values()}
    if uses_static_users(auth):
        secrets.add(auth.clients_auth_secret)
    if spec.gateway_config is not None:
        secrets.add(auth.gateway_auth_secret)
    if spec.operator_config is not None:
        secrets.add(spec.operator_config.secret)
    if spec.jetstream is not None and spec.jetstream.encryption is not None:
        secrets.add(spec.jetstream.encryption.secret)
    return frozenset(name for name in secrets if name)


def resolve(
    namespace: str, name: str, spec: NatsClusterSpec, references: References
) -> ResolvedInputs:
    """Take everything together; never raises: what cannot be used is told in `missing`."""
    finding = _Finding(namespace, name, spec, references)
    certificates = tuple(finding.certificates())
    authorization = finding.authorization()
    inputs = ConfigInputs(
        authorization=authorization,
        routes=finding.login("cluster_auth_secret"),
        gateways=finding.login("gateway_auth_secret") if spec.gateway_config else None,
        system=references.system,
        files=finding.files,
        neighbours=finding.neighbours(),
        operator=references.operator,
        jetstream_key=finding.jetstream_key(),
    )
    finding.operator_secret()
    trust = finding.trust()
    return ResolvedInputs(
        inputs=sealed_with((namespace, name), inputs, finding.parts(inputs), references),
        missing=tuple(finding.missing),
        remarks=tuple(finding.remarks),
        doubts=tuple(finding.doubts),
        certificates=certificates,
        grants=finding.grants,
        unwanted=unwanted(finding.grants, (namespace, name), references),
        trust=trust,
        can_connect=references.signs
        and (trust is None or trust.is_client or not tls.checks(spec, "clients")),
    )


@attrs.define
class _Finding:
    """Collects, on the way, what is missing."""

    namespace: str
    name: str
    spec: NatsClusterSpec
    references: References
    missing: list[str] = attrs.field(factory=list)
    remarks: list[str] = attrs.field(factory=list)
    files: dict[str, Files] = attrs.field(factory=dict)
    grants: tuple[Grant, ...] = ()
    unusable: set[str] = attrs.field(factory=set)
    doubts: list[str] = attrs.field(factory=list)
    operator_jwt: str = ""

    @property
    def auth(self) -> AuthConfig:
        """`spec.auth`, or one that asks for nothing."""
        return self.spec.auth or NO_AUTH

    def secret(self, name: str, why: str) -> Secret | None:
        """A named Secret; noted as missing if there is none."""
        secret = self.references.secrets.get(name)
        if secret is None:
            self.missing.append(f"Secret {name} ({why}) does not exist: create it")
        return secret

    def login(self, field: str) -> Login | None:
        """Credentials of routes or gateways."""
        name = getattr(self.auth, field)
        secret = self.secret(name, f"spec.auth.{_camel(field)}") if name else None
        if secret is None:
            return None
        try:
            return login_of(secret)
        except InvalidSpec as invalid:
            self.missing += map(str, invalid.problems)
            return None

    def authorization(self) -> dict[str, Any] | None:
        """The clients' block, users of ServiceAccounts first."""
        block = self._static_users()
        if self.auth.enable_service_accounts:
            static = _users_of(block or {})
            taken = frozenset(filter(None, (user.get("username") for user in static)))
            self.grants = grants_of(self.namespace, self.name, self.references, taken)
            block = self._with_grants(block or {})
        asked = self.auth.enable_service_accounts or uses_static_users(self.auth)
        if asked and nobody_allowed(block or {}):
            self.remarks.append(self._why_nobody())
            return None
        if block and self.auth.clients_auth_timeout:
            block["timeout"] = self.auth.clients_auth_timeout
        return block

    def _static_users(self) -> dict[str, Any] | None:
        name = self.auth.clients_auth_secret
        if not name or not uses_static_users(self.auth):
            return None
        secret = self.secret(name, "spec.auth.clientsAuthSecret")
        try:
            return authorization_of(secret, self._terms()) if secret is not None else None
        except InvalidSpec as invalid:
            self.missing += map(str, invalid.problems)
            return None

    def _terms(self) -> Terms:
        config = self.spec.nats_config or NatsConfig()
        longest = max(LONGEST, config.max_control_line or 0)
        return Terms(self.auth.tls_verify_and_map, self.references.version, longest)

    def _with_grants(self, block: dict[str, Any]) -> dict[str, Any]:
        users = self._granted()
        if block.get("token"):
            self.missing.append(
                f"Secret {self.auth.clients_auth_secret} has a token, which nats-server does not "
                "accept together with users: replace it with users, or omit allowStaticUsers"
            )
            return {"users": users}
        kept = {k: v for k, v in block.items() if k not in ("users", "username", "password")}
        return {**kept, "users": [*users, *_users_of(block)]}

    def _granted(self) -> list[dict[str, Any]]:
        return [g.as_user() for g in self.grants if g.lets_in]

    def _why_nobody(self) -> str:
        if not self.auth.enable_service_accounts:
            name = self.auth.clients_auth_secret
            return f"nobody can connect: Secret {name} has no users and no token"
        if self.grants:
            return "nobody can connect yet: no ServiceAccount has a token"
        if any(self.references.accounts.values()):
            return (
                "nobody can connect: none of the ServiceAccounts with the name of a "
                "NatsServiceRole is allowed: see the status of the roles"
            )
        return (
            "nobody can connect: no ServiceAccount has the name of a NatsServiceRole "
            f"with the label {names.LABEL_CLUSTER}: {self.name}"
        )

    def certificates(self) -> Iterator[CertificateStatus]:
        """Choose and check the files of every listener."""
        for listener, name in tls.secrets(self.spec).items():
            secret = self.secret(name, f"certificates of {listener}")
            if secret is None:
                continue
            kind = secret.type
            chosen = tls.choose_files(self.spec, listener, tuple(secret.data or {}), kind)
            if not isinstance(chosen, Files):
                self.missing.append(f"Secret {name} lacks {_keys(chosen)} for {listener}")
                continue
            self.files[listener] = chosen
            yield from self._certificate(listener, name, secret, chosen)

    def _certificate(
        self, listener: str, name: str, secret: Secret, files: Files
    ) -> Iterator[CertificateStatus]:
        cert, key = content(secret, files.cert), content(secret, files.key)
        if cert is None or key is None:
            return  # at an absolute path, which the operator cannot read
        ca = content(secret, files.ca) if files.ca else None
        certificate = inspect(cert, key, ca)
        at = f"Secret {name}, certificate of {listener}"
        breaking, doubts = self._judge(listener, certificate, cert, ca)
        if breaking:
            self.unusable.add(listener)
            self.missing.append(f"{at}: {breaking}")
        self.doubts += [f"{at}: {doubt}" for doubt in doubts]
        if certificate.not_after:
            yield CertificateStatus(listener=listener, secret=name, not_after=certificate.not_after)

    def _judge(
        self, listener: str, certificate: Certificate, cert: bytes, ca: bytes | None
    ) -> tuple[str, list[str]]:
        """What servers cannot work with, and what is worth knowing.

        Routes need everything, if there are any. Other gateways may know another CA than the one
        beside the certificate. Whether clients believe a certificate is up to them.
        """
        if certificate.problem:
            return certificate.problem, []
        mutual = listener in ("routes", "gateways")
        late = time_problem(certificate, self.references.minute)
        usage = usage_problem(certificate, client=mutual)
        chain = chain_problem(cert, ca, self.references.minute) if mutual and ca else ""
        if listener == "routes":
            host = server_host(self.namespace, self.name, 1)
            problems = [*filter(None, [route_problem(certificate, host), late, chain])]
            needed = self.spec.size > 1 or bool(self.spec.extra_routes)
            return ("; ".join(problems), []) if needed else ("", problems)
        if listener == "gateways":
            return "; ".join(filter(None, [usage, late])), [*filter(None, [chain])]
        return "", [*filter(None, [usage, late])]

    def neighbours(self) -> dict[str, Neighbour]:
        """The other clusters of `extraRoutes`, with what it takes to reach them."""
        neighbours = {}
        for name, spec in self.references.neighbours.items():
            auth = spec.auth or NO_AUTH
            secret = self.references.secrets.get(auth.cluster_auth_secret or "")
            try:
                login = login_of(secret) if secret else None
            except InvalidSpec as invalid:
                self.remarks += (f"extraRoutes, cluster {name}: {p}" for p in invalid.problems)
                login = None
            encrypted = "routes" in tls.secrets(spec)
            neighbours[name] = Neighbour(spec.size, login, encrypted)
        return neighbours

    def jetstream_key(self) -> str:
        """What streams are encrypted with; empty without encryption."""
        encryption = self.spec.jetstream and self.spec.jetstream.encryption
        if not encryption:
            return ""
        secret, key = self.references.secrets.get(encryption.secret), encryption.key or "key"
        passphrase = content(secret, key)
        if secret is None:
            self.missing.append(
                f"Secret {encryption.secret} (spec.jetstream.encryption.secret) does not exist: "
                "create it, with the same key as before if servers have stored anything"
            )
            return ""
        if passphrase is None or (problem := key_problem(passphrase)):
            at = f"Secret {encryption.secret}"
            lacks = f"{at} lacks the key {key}"
            self.missing.append(lacks if passphrase is None else f"{at}, key {key}: {problem}")
            return ""
        return passphrase.decode()

    def operator_secret(self) -> None:
        """Its one key is fixed."""
        config = self.spec.operator_config
        if config is None or not config.secret:
            return
        secret = self.secret(config.secret, "spec.operatorConfig.secret")
        if secret is None:
            return
        jwt = content(secret, names.OPERATOR_KEY)
        if jwt is None:
            self.missing.append(f"Secret {config.secret} lacks the key {names.OPERATOR_KEY}")
            return
        at = f"Secret {config.secret}, key {names.OPERATOR_KEY}"
        text = jwt.decode(errors="replace")
        problem = operator_problem(text, self.references.version, config.system_account)
        if problem:
            self.missing.append(f"{at}: {problem}")
            return
        self.operator_jwt = text
        account = config.resolver_preload.get(config.system_account or "")
        if account and (why := self._system_problem(text, account)):
            self.missing.append(f"spec.operatorConfig.resolverPreload: the system account {why}")

    def _system_problem(self, operator_jwt: str, account_jwt: str) -> str:
        """Why servers cannot start with this system account; both JWTs are good in themselves."""
        operator, account = read(operator_jwt), read(account_jwt)
        if account.issuer not in (
            operator.subject,
            operator.issuer,
            *operator.texts("signing_keys"),
        ):
            return "is not signed by the operator of op.jwt"
        if not self.references.minute:
            return ""
        now = known(self.references.minute).timestamp()
        if account.ends and now > account.ends:
            return "has expired"
        return "is not valid yet" if now < account.begins else ""

    def parts(self, inputs: ConfigInputs) -> dict[str, Any]:
        """What reaches the servers and is told by no field of the spec."""
        certificates = {
            (listener, file): content(self.references.secrets[name], file)
            for listener, name in tls.secrets(self.spec).items()
            if listener in self.files
            for file in attrs.astuple(self.files[listener])
            if file
        }
        parts: dict[str, Any] = {
            "auth.users": _as_sealed(inputs.authorization, len(self._granted())),
            "auth.routes": inputs.routes and attrs.astuple(inputs.routes),
            "auth.gateways": inputs.gateways and attrs.astuple(inputs.gateways),
            OPERATOR_JWT: self.operator_jwt,
            "tls.certificates": [[*k, v] for k, v in certificates.items()],
            "routes": [self.spec.size, [attrs.asdict(n) for n in inputs.neighbours.values()]],
        }
        there = {path: part for path, part in parts.items() if part}
        return there | key_part(self.spec, inputs.jetstream_key)

    def trust(self) -> Trust | None:
        """The clients' certificates, for connections of the operator's own."""
        name, files = tls.secrets(self.spec).get("clients"), self.files.get("clients")
        secret = self.references.secrets.get(name or "")
        if files is None or secret is None or "clients" in self.unusable:
            return None
        ca = content(secret, files.ca) if files.ca else None
        cert, key = content(secret, files.cert) or b"", content(secret, files.key) or b""
        if not cert or not key:  # at absolute paths, which the operator cannot read
            return Trust(ca)
        return Trust(ca, cert, key, inspect(cert, key, ca).client_auth)


def content(secret: Secret | None, file: str) -> bytes | None:
    """What a Secret holds under a file name; None if that is a path elsewhere."""
    data = (secret.data or {}).get(file) if secret is not None else None
    try:
        return base64.b64decode(data) if data is not None else None
    except binascii.Error:
        return b""


def key_part(spec: NatsClusterSpec, key: str) -> dict[str, Any]:
    """What is sealed of a key, which belongs to its cipher; nothing without a key."""
    encryption = spec.jetstream.encryption if spec.jetstream is not None else None
    return {STREAM_KEY: [key, encryption.cipher]} if encryption is not None and key else {}


def digest_of_key(place: Key, key: str, cipher: str, pepper: bytes) -> str:
    """The digest of that itself; that of no key is empty."""
    return Digests(pepper, *place).of(STREAM_KEY, [key, cipher]) if key else ""


def sealed_with(
    place: Key, inputs: ConfigInputs, parts: Mapping[str, Any], references: References
) -> ConfigInputs:
    """The same with the digests of these parts, of the NatsCluster at this place."""
    digests = Digests(references.pepper, *place)
    sealed = {path: digests.of(path, part) for path, part in parts.items()}
    former = digests.former(parts, sealed, references.compared)
    return attrs.evolve(inputs, sealed=sealed, seal=digests.seal, former=former)


def _as_sealed(block: dict[str, Any] | None, granted: int) -> dict[str, Any] | None:
    """What a digest is made of: users of roles come first, without their empty lists.

    So had an earlier natsctl it, and an upgrade changes no digest.
    """
    if not block or not granted:
        return block
    users = block["users"]
    return {**block, "users": [*map(_without_empty, users[:granted]), *users[granted:]]}


def _without_empty(user: dict[str, Any]) -> dict[str, Any]:
    permissions = {k: v for k, v in user.get("permissions", {}).items() if v != []}
    rest = {key: value for key, value in user.items() if key != "permissions"}
    return {**rest, **({"permissions": permissions} if permissions else {})}


def _users_of(block: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The users of a block, a single one among them."""
    single = {key: block[key] for key in ("username", "password") if block.get(key)}
    return [*([single] if single else []), *block.get("users", ())]


def _keys(missing: tuple[str, ...]) -> str:
    return f"the key {missing[0]}" if len(missing) == 1 else f"the keys {', '.join(missing)}"


def _camel(field: str) -> str:
    first, *rest = field.split("_")
    return first + "".join(word.title() for word in rest)
