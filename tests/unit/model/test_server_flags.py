"""Which arguments change who a server is, and which leave it alone."""

from __future__ import annotations

import pytest

from natsctl.model.server_flags import FLAGS, Overrides, overriding

OPTIONS = {
    "Debug": "D debug DV DVV",
    "Trace": "V trace VV",
    "Logtime": "T logtime",
    "LogtimeUTC": "logtime_utc",
    "LogFile": "l log",
    "LogSizeLimit": "log_size_limit",
    "MaxTracedMsgLen": "max_traced_msg_len",
    "Syslog": "s syslog",
    "RemoteSyslog": "r remote_syslog",
    "Port": "p port",
    "Host": "a addr net",
    "ClientAdvertise": "client_advertise",
    "HTTPPort": "m http_port",
    "HTTPSPort": "ms https_port",
    "ProfPort": "profile",
    "PortsFileDir": "ports_file_dir",
    "PidFile": "P pid",
    "Username": "user",
    "Password": "pass",
    "Authorization": "auth",
    "TLS": "tls",
    "TLSVerify": "tlsverify",
    "TLSCert": "tlscert",
    "TLSKey": "tlskey",
    "TLSCaCert": "tlscacert",
    "ServerName": "n name server_name",
    "Cluster.Name": "cluster_name",
    "Cluster.ListenStr": "cluster cluster_listen",
    "Cluster.Advertise": "cluster_advertise",
    "Cluster.NoAdvertise": "no_advertise",
    "Cluster.ConnectRetries": "connect_retries",
    "RoutesStr": "routes",
    "JetStream": "js jetstream",
    "StoreDir": "sd store_dir",
    "CheckConfig": "t",
    "CheckReloadTo": "test_reload",
    "configFile": "c config",
    "signal": "sl signal",
    "showHelp": "h help",
    "showTLSHelp": "help_tls",
    "showVersion": "v version",
}
"""Option -> its flags, as nats-server 2.0.0, 2.1.9, 2.2.6, 2.9.25, 2.10.29, 2.11.17, 2.12.15,
2.14.10 and 2.15.3 have them (server/opts.go: ConfigureOptions)."""
IDENTITY = {
    "ServerName": Overrides.NAME,
    "Cluster.Name": Overrides.CLUSTER,
    "Cluster.ListenStr": Overrides.CLUSTER,
    "Cluster.Advertise": Overrides.CLUSTER,
    "Cluster.NoAdvertise": Overrides.CLUSTER,
    "Cluster.ConnectRetries": Overrides.CLUSTER,
    "RoutesStr": Overrides.CLUSTER,
    "JetStream": Overrides.STORE,
    "StoreDir": Overrides.STORE,
    "configFile": Overrides.CONFIGURATION,
}
SWITCHES = (
    "D debug DV DVV V trace VV T logtime logtime_utc s syslog tls tlsverify no_advertise js "
    "jetstream t h help help_tls v version"
)


def found(*arguments: str) -> list[tuple[int, Overrides]]:
    return [(it.place, it.what) for it in overriding(arguments)]


def test_every_flag_of_every_release_is_classified() -> None:
    flags = [flag for names in OPTIONS.values() for flag in names.split()]
    assert sorted(FLAGS) == sorted(flags)


@pytest.mark.parametrize("option", OPTIONS)
def test_flags_of_one_option_override_the_same(option: str) -> None:
    (what,) = {FLAGS[flag].overrides for flag in OPTIONS[option].split()}
    assert (what in IDENTITY.values()) == (option in IDENTITY)
    assert IDENTITY.get(option, what) is what


def test_switches_take_no_argument_and_all_others_do() -> None:
    assert sorted(name for name, flag in FLAGS.items() if not flag.value) == sorted(
        SWITCHES.split()
    )


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-D", "--trace", "-V=false"],
        ["-l", "-n", "--log=/x", "-log_size_limit", "7"],
        ["--client_advertise", "$(HOST):4222"],
        ["-l"],
    ],
)
def test_what_only_concerns_clients_or_logs_is_harmless(arguments: list[str]) -> None:
    """A value is a value, even if it looks like a flag."""
    assert found(*arguments) == []


def test_all_that_are_not_are_found() -> None:
    assert found("-D", "-n", "x", "--cluster_name=y", "-js", "-sd", "-c", "-c", "z") == [
        (1, Overrides.NAME),
        (3, Overrides.CLUSTER),
        (4, Overrides.STORE),
        (5, Overrides.STORE),
        (7, Overrides.CONFIGURATION),
    ]


@pytest.mark.parametrize(
    "argument",
    [
        *("", "-", "--", "---n", "-=x", "n", "help", "--next_year", "-N", "-SERVER_NAME"),
        *("$(X)", "-$(X)", "-$(X)=y", "--n$(X)", "$$(X)", " -D"),
    ],
)
def test_what_nobody_can_read_may_be_anything(argument: str) -> None:
    assert found("-D", argument, "-n", "x") == [(1, Overrides.UNKNOWN)]
