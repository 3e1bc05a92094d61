"""What `kubectl describe nats` says: what is being done, what is not, and why."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.e2e.clusters import NEXT, Cluster
from tests.e2e.kubectl import until

Apply = Callable[..., Cluster]
RUNNING = """\
Status:
  Accepted Spec:  {"size":1,"version":"2.14.10"}
  Certificates:
  Conditions:
    Message:               the only server is ready
    Observed Generation:   1
    Reason:                AllServersReady
    Status:                True
    Type:                  Ready
    Message:               the servers match the spec
    Observed Generation:   1
    Reason:                Settled
    Status:                False
    Type:                  Progressing
    Message:
    Observed Generation:   1
    Reason:                AsExpected
    Status:                False
    Type:                  Degraded
    Message:
    Observed Generation:   1
    Reason:                Accepted
    Status:                True
    Type:                  SpecAccepted
    Message:
    Observed Generation:   1
    Reason:                Accepted
    Status:                True
    Type:                  ConfigAccepted
  Control Paused:          false
  Current Version:         2.14.10
  Observed Generation:     1
  Operator:                HOME/nats-operator
  Phase:                   Running
  Ready Replicas:          1
  Selector:                app=nats,nats_cluster=a
  Servers:
    Message:
    Name:     a-1
    Ready:    true
    Version:  2.14.10
  Size:       1
Events:
  Normal CreatedObjects: created Service a; Service a-mgmt; Secret a
  Normal CreatedServers: created a-1
  Normal Ready: the only server is ready
"""


def described(cluster: Cluster) -> str:
    """What is said below the spec, without times; events as `type reason: message`."""
    text = cluster.kubectl("describe", "nats", cluster.name)
    status, _, events = text[text.index("\nStatus:") + 1 :].partition("\nEvents:")
    lines = [line.rstrip() for line in status.splitlines() if "Last Transition Time" not in line]
    told = sorted(re.sub(EVENT, r"  \1 \2: \3", line) for line in events.splitlines()[3:])
    home = cluster.status()["operator"].partition("/")[0]
    return "\n".join([*lines, "Events:", *told, ""]).replace(home, "HOME")


EVENT = re.compile(r"^  (\w+) +(\w+) +\S+(?: \(x.*\))? +natsctl +(.*)$")


def until_told(cluster: Cluster, *texts: str) -> str:
    """Wait until all of these texts are said; everything that is."""
    said: list[str] = []

    def told() -> bool:
        said[:] = [described(cluster)]
        return all(text in said[0] for text in texts)

    until(f"kubectl describe says {texts}", told)
    return said[0]


def condition(kind: str, status: str, reason: str, message: str, generation: int) -> str:
    """A condition, as it is printed."""
    return (
        f"    Message:               {message}\n    Observed Generation:   {generation}\n"
        f"    Reason:                {reason}\n    Status:                {status}\n"
        f"    Type:                  {kind}\n"
    )


def test_what_describe_says(cluster: Apply) -> None:
    """Of a cluster that runs, that cannot start, that waits, that is refused and that is paused."""
    found = cluster("a", size=1, version=NEXT).ready()
    assert until_told(found, "Normal Ready") == RUNNING

    found.patch(serverImage="nowhere.example.test/nats")
    until_told(
        found,
        "Normal RestartingServer: restarting a-1: spec.serverImage changed",
        'Warning ErrImagePull: a-1 ErrImagePull: container nats: "failed to pull',
        condition("Ready", "False", "ServersNotReady", "0 of 1 servers are ready", 2),
        condition(
            "Progressing",
            "False",
            "Settled",
            "nothing left to change: see condition Degraded",
            2,
        ),
        'Message:               a-1 ErrImagePull: container nats: "failed to pull',
        "  Phase:                   Degraded",
        '    Message:  ErrImagePull: container nats: "failed to pull',
    )
    found.patch(serverImage=None)
    found.ready()

    found.patch(auth={"clientsAuthSecret": "users"})
    lacks = "Secret users (spec.auth.clientsAuthSecret) does not exist: create it"
    keeps = f"{lacks} (the servers keep their current configuration until then)"
    earlier = "the servers run an earlier configuration: see condition ConfigAccepted"
    until_told(
        found,
        f"Warning Waiting: {keeps}",
        condition("Ready", "False", "ConfigNotAccepted", earlier, 4),
        condition("Progressing", "False", "Waiting", "see condition ConfigAccepted", 4),
        condition("Degraded", "True", "ConfigNotAccepted", lacks, 4),
        condition("ConfigAccepted", "False", "Waiting", keeps, 4),
    )

    found.patch(auth=None, natsConfig={"maxPayload": 2**27})
    wrong = "spec.natsConfig.maxPayload: maxPayload (134217728) is more than maxPending (67108864)"
    until_told(
        found,
        f"Warning InvalidSpec: {wrong}, which nats-server {NEXT} rejects; lower maxPayload",
        condition("Progressing", "False", "Waiting", "see condition ConfigAccepted", 5),
        f"Message:               {wrong}",
        "  Phase:                   Failed",
    )

    found.patch(natsConfig=None, paused=True, size=2)
    until_told(
        found,
        condition("Ready", "False", "ServersNotReady", "1 of 2 servers are ready", 6),
        condition(
            "Progressing", "False", "Paused", "spec.paused is true: no changes are applied", 6
        ),
        "  Phase:                   Paused",
    )
    found.patch(paused=None)
    found.ready()
    until_told(found, "Normal CreatedServers: created a-2", "  Size:       2")
