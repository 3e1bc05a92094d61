"""One server: its pod, what it answered, and what is wrong with it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attrs

from natsctl.api.version import number_of
from natsctl.api.version_borders import meet
from natsctl.model import names
from natsctl.model.foreign import named, quoted, word
from natsctl.model.objects import ContainerStatus, Pod
from natsctl.model.observation import Observation
from natsctl.model.server_address import ENDED
from natsctl.model.times import moment
from natsctl.plan.adoption.go_operator import is_renewed, is_taken_over
from natsctl.plan.servers.identity import servers_among
from natsctl.plan.servers.releases import tag_of
from natsctl.render.config.system_account import has_system
from natsctl.render.revision.effects import NON_ROLLING, ROLLING_IF_DOWN, reloadable
from natsctl.render.revision.revision import ADOPTED, changed_fields, stamp_of, stores_streams
from natsctl.render.revision.system_stamp import system_stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from natsctl.api.version import Number, ServerVersion
    from natsctl.plan.state import ClusterState, Desired

    Answering = dict[Number | None, set[str]]

Due = tuple[tuple[str, ...], ...]
STUCK_REASONS = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "ErrImageNeverPull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "ImageInspectError",
    }
)

_NO_IMAGE = ("ErrImagePull", "ImagePullBackOff")

OVERDUE = 30.0
"""Seconds past its grace period after which a pod that is still there needs a person's eye."""


@attrs.frozen
class Server:
    """A pod that belongs to the cluster, seen from all sides.

    `trouble` is what the kubelet or scheduler complains of; `ailment` why it is not healthy
    (empty: healthy). `changes`, `reloads` and `pending` are paths of what it does not run yet:
    after a restart, after a reload, or when it starts next for another reason. `right_version`:
    it does not report another version than the wanted one that its pod was made for.
    """

    index: int
    pod: Pod
    observation: Observation | None
    pod_problem: tuple[str, str] | None
    unhealthy_reason: str
    changes: tuple[str, ...] = ()
    reloads: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    right_version: bool = True

    @property
    def name(self) -> str:
        """Pod name."""
        return self.pod.metadata.name

    @property
    def terminating(self) -> bool:
        """It was asked to go."""
        return self.pod.metadata.deletion_timestamp is not None

    @property
    def ended(self) -> bool:
        """Nothing runs in the pod any more, and nothing will."""
        return self.pod.status.phase in ENDED

    @property
    def healthy(self) -> bool:
        """It answers and holds a route to every other server that answers."""
        return not self.unhealthy_reason

    @property
    def ready(self) -> bool:
        """Healthy, and it runs what its image says."""
        return self.healthy and self.right_version

    @property
    def current(self) -> bool:
        """Ready, and nothing about it waits for a restart."""
        return self.ready and not self.changes


def servers_of(state: ClusterState) -> tuple[Server, ...]:
    """The cluster's own servers, by index."""
    own = own_pods(state)
    answering, due = _answering(state, [pod for _, pod in own]), dict[object, Due]()
    return tuple(_server(index, pod, state, answering, due) for index, pod in own)


def own_pods(state: ClusterState) -> tuple[tuple[int, Pod], ...]:
    """Those of its servers, by index; pods of somebody else's are not among them."""
    ours = [pod for pod in state.pods if is_ours(pod, state)]
    return servers_among(state.cluster.metadata.name, ours)


def is_ours(pod: Pod, state: ClusterState) -> bool:
    """Whether this very NatsCluster controls the pod (not an earlier one of the same name)."""
    meta, controller = state.cluster.metadata, pod.metadata.controller
    owned = controller is not None and controller.uid == meta.uid
    return owned and pod.metadata.namespace == meta.namespace


def run_id(pod: Pod) -> tuple[object, ...]:
    """What changes when an answer of this pod is no longer worth anything."""
    container = _container(pod)
    return pod.status.pod_ip, container.restart_count if container else 0, kubelet_ready(pod)


def runs_of(pods: Iterable[Pod]) -> dict[str, tuple[object, ...]]:
    """By pod uid what changes when answers of these pods are no longer worth anything."""
    return {pod.metadata.uid: run_id(pod) for pod in pods}


def kubelet_ready(pod: Pod) -> bool:
    """The pod's Ready condition."""
    return any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or ())


def _answering(state: ClusterState, pods: Iterable[Pod]) -> Answering:
    """Ids of servers that have to be in every other server's routes, by their releases."""
    answering: Answering = defaultdict(set)
    for pod in pods:
        seen = state.observations.get(pod.metadata.uid)
        going = pod.metadata.deletion_timestamp is not None or not kubelet_ready(pod)
        if seen is not None and seen.server_id and not going:
            answering[number_of(seen.version)].add(seen.server_id)
    return answering


def _lacking(seen: Observation, answering: Answering) -> tuple[int, int]:
    """How many routes a server lacks, of how many; releases that never meet owe each other none."""
    own = number_of(seen.version)
    met = [ids for release, ids in answering.items() if meet(own, release)]
    others = set[str]().union(*met) - {seen.server_id}
    return len(others - seen.route_peers), len(others)


def overdue_in(pod: Pod, timestamp: str) -> float | None:
    """Seconds until a pod that was asked to go is overdue (below 0: it is); None if it was not.

    deletionTimestamp is the moment at which its grace period ends (API conventions).
    """
    asked, now = pod.metadata.deletion_timestamp, moment(timestamp)
    ends = moment(asked)
    return (ends - now).total_seconds() + OVERDUE if ends is not None and now is not None else None


def _server(
    index: int, pod: Pod, state: ClusterState, answering: Answering, due: dict[object, Due]
) -> Server:
    observation = state.observations.get(pod.metadata.uid)
    pod_problem = _overdue(pod, state.timestamp) or problem_of(pod)
    unhealthy_reason = _unhealthy_reason(pod, observation, pod_problem, answering)
    if state.desired is None:
        return Server(index, pod, observation, pod_problem, unhealthy_reason)
    changes, reloads, pending = _due_once(index, pod, state, due)
    return Server(
        index=index,
        pod=pod,
        observation=observation,
        pod_problem=pod_problem,
        unhealthy_reason=unhealthy_reason,
        changes=changes,
        reloads=reloads,
        pending=pending,
        right_version=_runs(pod, observation, state.desired.target.version),
    )


def _due_once(index: int, pod: Pod, state: ClusterState, known: dict[object, Due]) -> Due:
    """The same, found out once for servers whose pods say the same of all that it depends on."""
    meta, desired = pod.metadata, state.desired
    assert desired is not None
    stamped = meta.annotation(names.REVISION_ANNOTATION), meta.label(names.LABEL_VERSION)
    earlier = desired.target.earlier_of(index)
    key = *stamped, is_taken_over(pod), has_reloader(pod), kubelet_ready(pod), earlier
    if key not in known:
        known[key] = _due(index, pod, state)
    return known[key]


def _due(index: int, pod: Pod, state: ClusterState) -> Due:
    """What the server takes up by a restart, by a reload, and by its next start, if any."""
    desired = state.desired
    assert desired is not None
    if state.holding:
        return (), (), ()
    stamped = pod.metadata.annotation(names.REVISION_ANNOTATION)
    label = pod.metadata.label(names.LABEL_VERSION)
    wanted, former = desired.revision_of(index), desired.target.inputs.former
    changed = changed_fields(stamped, wanted, label, former)
    if is_taken_over(pod) and is_renewed(desired.target):
        changed = (*changed, ADOPTED)  # a roll that began goes through all servers
    refusals = state.refusals.values()  # what one cannot reload, no other can
    refused = any(r.config == desired.config and r.needs_restart for r in refusals)
    can_reload = (has_reloader(pod) or can_ask(pod, desired)) and not refused
    idle = NON_ROLLING if kubelet_ready(pod) else NON_ROLLING - ROLLING_IF_DOWN
    needed = tuple(path for path in changed if path not in idle)
    if any(not (can_reload and reloadable(path, desired.target.version)) for path in needed):
        return needed, (), ()
    return ((), changed, ()) if can_reload else ((), (), changed)


def can_ask(pod: Pod, desired: Desired) -> bool:
    """Whether the operator can have this server reload, as a user of its system account.

    Only as the user that it shall know: nothing is ever signed with an earlier key, which other
    clusters may know, too.
    """
    known = stamp_of(pod.metadata.annotation(names.REVISION_ANNOTATION))
    wanted = system_stamp(desired.target)
    return (
        desired.target.version.at_least(2, 10)
        and has_system(desired.target)
        and known.same_user(wanted)
        and desired.resolved.can_connect
    )


def has_reloader(pod: Pod) -> bool:
    """Whether a sidecar of the pod signals its server when files change."""
    return any(c.name == names.RELOADER for c in pod.status.container_statuses or ())


def has_store(pod: Pod) -> bool:
    """Whether the pod was made for a server that stores streams."""
    return stores_streams(pod.metadata.annotation(names.REVISION_ANNOTATION))


def lacks_store(pod: Pod) -> bool:
    """Whether the pod surely was made for a server without JetStream.

    Anybody may have edited its annotations, but nobody its environment, without which no server
    finds a place for a store.
    """
    containers = pod.spec.containers or ()
    env = [v.name for c in containers if c.name == names.SERVER_CONTAINER for v in c.env or ()]
    return not has_store(pod) and names.STORE_DIR_ENV not in env


FIELDS = 16
"""Changed fields named in one message: a pod's annotation may hold any."""
_UNNAMED = {
    "auth": "spec.auth",
    "auth.users": "the users",
    "auth.routes": "the credentials of routes",
    "auth.system": "the operator's own user",
    "auth.gateways": "the credentials of gateways",
    "tls.certificates": "the certificates",
    "routes": "the routes",
    "takeover": "the pod as created by the Go operator",
    "jetstream.file": "the file with the encryption key",
    "held": "the configuration that was held back",
}


def describe_changes(paths: Sequence[str]) -> str:
    """Changed paths as text: fields of the spec, or what no field tells."""
    some = [_UNNAMED.get(path) or f"spec.{named(path)}" for path in paths[:FIELDS]]
    more = len(paths) - len(some)
    return ", ".join(some) + (f" and {more} more" if more else "")


def _runs(pod: Pod, observation: Observation | None, wanted: ServerVersion) -> bool:
    """Of an image that is to go, or that somebody's label tells of, nobody needs to know."""
    if observation is None:
        return False
    return tag_of(pod) != wanted.text or wanted.matches(observation.version)


def _unhealthy_reason(
    pod: Pod,
    observation: Observation | None,
    pod_problem: tuple[str, str] | None,
    answering: Answering,
) -> str:
    if pod.metadata.deletion_timestamp is not None and pod_problem is None:
        return "is shutting down"
    if pod.status.phase in ENDED:
        return _ended(pod)
    if pod_problem is not None:
        return f"{pod_problem[0]}: {pod_problem[1]}".rstrip(": ")
    if not kubelet_ready(pod):
        return "is starting"
    if observation is None:
        return "has not been queried yet"
    if observation.problem:
        return observation.problem
    missing, others = _lacking(observation, answering)
    return f"has no route to {missing} of {others} other servers" if missing else ""


def _ended(pod: Pod) -> str:
    message = quoted(pod.status.message) if pod.status.message else ""
    detail = ": ".join(t for t in (pod.status.reason and named(pod.status.reason), message) if t)
    return f"pod {pod.status.phase.lower()}" + (f" ({detail})" if detail else "")


def _overdue(pod: Pod, timestamp: str) -> tuple[str, str] | None:
    left = overdue_in(pod, timestamp)
    if left is None or left > 0:
        return None
    name, node = pod.metadata.name, named(pod.spec.node_name or "none")
    return (
        "StuckTerminating",
        f"still exists after its grace period, on node {node}; if that node is permanently lost, "
        f"run: kubectl delete pod {name} --namespace {pod.metadata.namespace} --force",
    )


def problem_of(pod: Pod) -> tuple[str, str] | None:
    """Reason and message of what keeps a pod from running, as kubelet or scheduler put it."""
    for condition in pod.status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False":
            message = quoted(condition.message) if condition.message else ""
            return word(condition.reason or "Unschedulable"), message
    statuses = (pod.status.init_container_statuses or ()) + (pod.status.container_statuses or ())
    return next((trouble for s in statuses if (trouble := _container_trouble(s))), None)


def _container_trouble(status: ContainerStatus) -> tuple[str, str] | None:
    waiting = status.state.waiting if status.state else None
    if waiting is None or waiting.reason not in STUCK_REASONS:
        return None
    name = named(status.name)
    text = f"container {name}"
    if waiting.reason in _NO_IMAGE:
        # The kubelet goes from one to the other and back, with the same words in both.
        details = waiting.message.rpartition(f"{_NO_IMAGE[0]}: ")[2]
        return _NO_IMAGE[0], f"{text}: {quoted(details)}" if details else text
    if waiting.message:
        text += f": {quoted(waiting.message)}"
    last = status.last_state.terminated if status.last_state else None
    if waiting.reason == "CrashLoopBackOff" and last is not None:
        # The kubelet's own message carries a growing back-off: a new status write each time.
        text = f"container {name} ended with exit code {last.exit_code}"
        text += f" ({named(last.reason)})" if last.reason else ""
        # Only what natsctl's own program left: what others say may hold times, or secrets.
        text += f": {quoted(last.message)}" if _speaks(status) and last.message else ""
    return waiting.reason, text


def _speaks(status: ContainerStatus) -> bool:
    return status.name == names.BOOTCONFIG


def _container(pod: Pod) -> ContainerStatus | None:
    return next(
        (c for c in pod.status.container_statuses or () if c.name == names.SERVER_CONTAINER), None
    )
