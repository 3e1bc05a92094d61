"""The end of the demo: figures, and what to do with the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo.teller import DemoFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demo.publishers import Stream
    from demo.tally import Silence
    from demo.traffic import Traffic

USE = """
The clusters keep running. To use them:
  make testbed-shell            opens a shell with kubectl, nats and helm; there, run
    kubectl get nats
    kubectl get pods -o wide
    kubectl describe nats nats-demo
    kubectl scale nats/nats-demo --replicas=4
    nats --server nats://orders:4222 stream report
    nats --server nats://nats-demo:4222 rtt
    helm list
  make demo-down                stops everything, and leaves nothing behind
Logs of the operator: {logs}
"""
USE_OWN = """
The clusters keep running, in namespace {namespace}:
    kubectl {options} --namespace {namespace} get nats
  python -m demo down           deletes them and the operator (the CRDs stay)
Logs of the operator: {logs}
"""


def traffic(flow: Traffic, began: float) -> str:
    """All figures of the clients."""
    tally = flow.tally
    moved = ", ".join(f"{pod} at {at - began:.0f} s" for at, _, pod in flow.seats.moves[2:])
    errors = ", ".join(f"{count} x {name}" for name, count in tally.errors.most_common())
    return "\n".join(
        [
            f"requests:         {tally.asked} sent, {len(tally.acknowledged)} replies received, "
            f"{tally.lost_requests} lost",
            f"                  {tally.retried} of them were sent again before the reply came",
            f"                  longest time without a reply: {_silence(tally.replies, began)}",
            f"one-way messages: {tally.told} sent, {len(tally.heard)} received, "
            f"{tally.lost_messages} lost",
            f"                  longest time without one: {_silence(tally.arrivals, began)}",
            f"reconnects:       {len(flow.seats.moves) - 2}" + (f" ({moved})" if moved else ""),
            f"failed attempts:  {errors or 'none'}",
            "(core NATS delivers at most once: a one-way message on its way through a server",
            " that dies is lost; the sender of a request notices, and sends it again)",
        ]
    )


def _silence(silence: Silence, began: float) -> str:
    return f"{silence.longest:.2f} s (until {silence.ended - began:.0f} s)"


def check(flow: Traffic) -> None:
    """Every request must have its reply; anything else fails the demo."""
    if flow.tally.lost_requests:
        raise DemoFailed(f"expected no request to be lost; {flow.tally.lost_requests} were")


def stored(streams: Sequence[Stream], began: float) -> str:
    """All figures of the publishers."""
    return "\n".join(line for stream in streams for line in _stream(stream, began))


def _stream(stream: Stream, began: float) -> list[str]:
    replicas = "1 replica" if stream.replicas == 1 else f"{stream.replicas} replicas"
    kind = f"bucket, {replicas}:" if stream.bucket else f"{replicas}:"
    return [
        f"{kind:19} {stream.acknowledged} acknowledged, {stream.stored} stored, "
        f"{stream.lost} lost; {stream.retried} of them were sent again",
        f"{'':19} longest time without an acknowledgement: {_silence(stream.silence, began)}",
    ]


def check_stored(streams: Sequence[Stream]) -> None:
    """Every message that was acknowledged is there, and once; anything else fails the demo."""
    for stream in streams:
        if stream.stored != stream.acknowledged:
            raise DemoFailed(
                f"expected stream {stream.name} to hold the {stream.acknowledged} messages that it "
                f"acknowledged; it holds {stream.stored}"
            )
