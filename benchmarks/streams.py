"""What a pretended nats-server says of JetStream: streams of three replicas, all well.

The members that natsctl reads are those of the real answers of 2.14.10; others are left out, so an
answer has some 40 % of the bytes of a real one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.bare import Json

STREAMS = 10
"""Of each cluster; each has a consumer."""
SECOND = 1_000_000_000
LIMIT, BYTES, MESSAGES = 7 * 2**30, 2**20, 1000


def jsz(server_id: str, name: str, members: Sequence[str]) -> Json:
    """The page of one server of a cluster whose members have these names."""
    config = {"max_memory": 0, "max_storage": LIMIT, "store_dir": "/data/jetstream"}
    return {
        "server_id": server_id,
        "now": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "config": config,
        "memory": 0,
        "storage": STREAMS * BYTES,
        "streams": STREAMS,
        "consumers": STREAMS,
        "meta_cluster": {**_group(name, members), "cluster_size": len(members), "pending": 0},
        "account_details": [
            {"name": "$G", "stream_detail": [_stream(n, name, members) for n in range(STREAMS)]}
        ],
        "total": 1,
    }


def _group(name: str, members: Sequence[str]) -> Json:
    """Its leader has the first of the names."""
    others = [{"name": each, "current": True, "active": SECOND} for each in members if each != name]
    leads = name == members[0]
    return {"leader": members[0]} | ({"replicas": others} if leads else {})


def _stream(number: int, name: str, members: Sequence[str]) -> Json:
    stream = f"ORDERS-{number}"
    others = [{"name": each, "current": True, "active": SECOND} for each in members if each != name]
    cluster = {"name": "c", "leader": members[0], "replicas": others}
    state = {"messages": MESSAGES, "bytes": BYTES, "first_seq": 1, "last_seq": MESSAGES}
    config = {"name": stream, "retention": "limits", "storage": "file", "num_replicas": 3}
    consumer = {
        "stream_name": stream,
        "name": "worker",
        "config": {"durable_name": "worker", "ack_policy": "explicit", "num_replicas": 0},
        "delivered": {"consumer_seq": MESSAGES, "stream_seq": MESSAGES},
        "ack_floor": {"consumer_seq": MESSAGES, "stream_seq": MESSAGES},
        "cluster": cluster,
    }
    return {
        "name": stream,
        "cluster": cluster,
        "config": config,
        "state": state,
        "consumer_detail": [consumer],
    }
