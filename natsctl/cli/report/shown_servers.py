"""What a report shows of configurations of nats-server, and of what its monitoring port answers."""

from __future__ import annotations

from natsctl.cli.report.shapes import (
    ANY,
    MESSAGE,
    NAME,
    NUMBER,
    PORT,
    QUANTITY,
    TIME,
    Each,
    Fields,
    Many,
    Shape,
    Special,
    fields,
    form,
    visible,
)
from natsctl.cli.report.shown_clusters import URL
from natsctl.cli.report.shown_values import HIDDEN, NAMES

_TLS = (
    fields(NAME, "ca_file cert_file key_file")
    | fields(NUMBER, "timeout verify verify_and_map handshake_first")
    | Fields({"cipher_suites": NAMES, "curve_preferences": NAMES})
)


def _subjects_of(eyes: object, value: object) -> object:
    """One subject, several, or what is allowed and denied of them."""
    shape: Shape = _RULES if isinstance(value, dict) else ANY
    return visible(Many(ANY) if isinstance(value, list) else shape, value, eyes)  # type: ignore[arg-type]


_RULES = Fields({"allow": Special(_subjects_of), "deny": Special(_subjects_of)})
_PERMISSIONS = Fields(
    {
        "publish": Special(_subjects_of),
        "subscribe": Special(_subjects_of),
        "allow_responses": Fields({"max": NUMBER, "expires": QUANTITY}),
    }
)
_USER = fields(ANY, "user username") | fields(HIDDEN, "pass password nkey token")
USERS = _USER | Fields(
    {
        "timeout": NUMBER,
        "users": Many(_USER | Fields({"permissions": _PERMISSIONS})),
        "default_permissions": _PERMISSIONS,
    }
)
_URLS = fields(URL, "url") | Fields({"urls": Many(URL)})
CONFIG = (
    fields(
        NUMBER,
        "port http_port https_port debug trace logtime max_connections max_control_line "
        "max_payload max_pending max_subscriptions",
    )
    | fields(QUANTITY, "write_deadline lame_duck_duration")
    | fields(NAME, "operator system_account")
    | fields(HIDDEN, "resolver_preload")
    | fields(URL, "resolver")
    | Fields(
        {
            "accounts": Each(Fields({"users": Many(_USER)})),
            "authorization": USERS,
            "cluster": fields(NAME, "name advertise cluster_advertise include")
            | fields(NUMBER, "port no_advertise")
            | Fields({"authorization": USERS, "routes": Many(URL), "tls": _TLS}),
            "gateway": fields(NAME, "name advertise include")
            | fields(NUMBER, "port reject_unknown")
            | Fields(
                {
                    "authorization": USERS,
                    "gateways": Many(fields(ANY, "name") | _URLS),
                    "tls": _TLS,
                }
            ),
            "leafnodes": fields(NUMBER, "port")
            | Fields({"remotes": Many(fields(NAME, "credentials") | _URLS), "tls": _TLS}),
            "websocket": fields(NUMBER, "no_tls compression")
            | fields(form(r"[\w.:\[\]]+"), "listen")
            | fields(QUANTITY, "handshake_timeout")
            | Fields({"tls": _TLS}),
            "tls": _TLS,
        }
    )
)
_HOST = form(r"[\w.:/\[\]-]+")
_SERVER = fields(NAME, "server_id server_name version") | fields(TIME, "now start")
_TRAFFIC = fields(
    NUMBER, "in_msgs out_msgs in_bytes out_bytes subscriptions pending_bytes pending_size"
)
_LISTENER = (
    fields(
        NUMBER,
        "port cluster_port auth_timeout tls_timeout tls_required tls_verify tls_ocsp_peer_verify "
        "no_tls pool_size reject_unknown",
    )
    | fields(PORT, "compression")
    | fields(_HOST, "host addr advertise")
    | fields(ANY, "name no_auth_user")
    | fields(QUANTITY, "handshake_timeout write_deadline")
    | fields(TIME, "tls_cert_not_after")
    | fields(HIDDEN, "trusted_operators")
)
_ADDRESSES = Fields({"urls": Many(_HOST)})
_BY_KIND = fields(NUMBER, "clients routes gateways leafs")
_JETSTREAM = Fields(
    {
        "config": fields(NUMBER, "max_memory max_storage sync_interval strict compress_ok")
        | fields(NAME, "store_dir domain unique_tag"),
        "stats": fields(
            NUMBER, "memory storage reserved_memory reserved_storage accounts ha_assets"
        )
        | Fields({"api": fields(NUMBER, "level total errors inflight")}),
        "meta": fields(ANY, "name leader peer")
        | fields(NUMBER, "cluster_size pending pending_requests pending_infos")
        | Fields(
            {
                "replicas": Many(
                    fields(ANY, "name peer") | fields(NUMBER, "current offline active lag")
                ),
                "snapshot": fields(NUMBER, "pending_entries pending_size")
                | fields(TIME, "last_time"),
            }
        ),
        "limits": fields(
            NUMBER, "max_request_batch max_ack_pending max_ha_assets duplicate_window"
        ),
    }
)
VARZ = (
    _SERVER
    | _LISTENER
    | _TRAFFIC
    | fields(NAME, "go git_commit system_account cluster_name http_base_path")
    | fields(HIDDEN, "config_digest")
    | fields(_HOST, "http_host ip")
    | fields(TIME, "config_load_time")
    | fields(QUANTITY, "uptime")
    | fields(
        NUMBER,
        "proto auth_required connections total_connections max_connections max_control_line "
        "max_payload max_pending max_subscriptions ping_interval ping_max http_port https_port "
        "write_deadline mem cores gomaxprocs gomemlimit cpu routes remotes leafnodes "
        "in_client_msgs in_client_bytes out_client_msgs out_client_bytes slow_consumers "
        "stale_connections stalled_clients pinned_account_fails lame_duck_mode",
    )
    | Fields(
        {
            "connect_urls": Many(_HOST),
            "ws_connect_urls": Many(_HOST),
            "cluster": _LISTENER | _ADDRESSES,
            "gateway": _LISTENER | Fields({"gateways": Many(_LISTENER | _ADDRESSES)}),
            "leaf": _LISTENER
            | Fields({"remotes": Many(fields(ANY, "local_account") | _LISTENER | _ADDRESSES)}),
            "mqtt": _LISTENER,
            "websocket": _LISTENER,
            "jetstream": _JETSTREAM,
            "http_req_stats": Each(NUMBER),
            "slow_consumer_stats": _BY_KIND,
            "stale_connection_stats": _BY_KIND,
            "disk_io_wait_stats": fields(NUMBER, "waiters waits wait_time max_wait_time"),
            "feature_flags": Each(NUMBER),
        }
    )
)
_CONNECTION = (
    _TRAFFIC
    | fields(NUMBER, "rid cid id port did_solicit is_configured is_spoke is_isolated")
    | fields(NAME, "remote_id kind compression")
    | fields(_HOST, "ip")
    | fields(ANY, "remote_name name account")
    | fields(TIME, "start last_activity")
    | fields(QUANTITY, "rtt uptime idle")
)
_GATEWAY = Fields({"configured": NUMBER, "connection": _CONNECTION})
PAGES: dict[str, Fields] = {
    "varz": VARZ,
    "routez": _SERVER | fields(NUMBER, "num_routes") | Fields({"routes": Many(_CONNECTION)}),
    "gatewayz": _SERVER
    | fields(ANY, "name")
    | fields(_HOST, "host")
    | fields(NUMBER, "port")
    | Fields({"outbound_gateways": Each(_GATEWAY), "inbound_gateways": Each(Many(_GATEWAY))}),
    "leafz": _SERVER | Fields({"leafnodes": NUMBER, "leafs": Many(_CONNECTION)}),
    "healthz": Fields({"status": NAME, "status_code": NUMBER, "error": MESSAGE}),
}
"""Of the monitoring port; none of them tells of single clients."""
VERSIONS = Fields(
    {
        "kubernetes": fields(
            NAME,
            "major minor gitVersion gitCommit gitTreeState buildDate goVersion compiler platform "
            "emulationMajor emulationMinor minCompatibilityMajor minCompatibilityMinor",
        ),
        "schemaRevisions": Each(NAME),
    }
)
