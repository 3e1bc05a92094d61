"""What actors and lease count, under controller-runtime's names where it has one."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from prometheus_client import Counter, Gauge, Histogram

CONTROLLER = "natscluster"

LEADER = Gauge("leader_election_master_status", "1 while this process leads", ["name"])
SLOW_PATH = Counter(
    "leader_election_slowpath", "Lease renewals that failed at the first attempt", ["name"]
)
RECONCILES = Counter(
    "controller_runtime_reconcile", "Reconciliations, by result", ["controller", "result"]
)
ERRORS = Counter("controller_runtime_reconcile_errors", "Failed reconciliations", ["controller"])
TERMINAL_ERRORS = Counter(
    "controller_runtime_terminal_reconcile_errors",
    "Reconciliations that failed with an error that retries cannot fix",
    ["controller"],
)
PANICS = Counter(
    "controller_runtime_reconcile_panics",
    "Reconciliations that failed because of a bug",
    ["controller"],
)
SECONDS = Histogram(
    "controller_runtime_reconcile_time_seconds", "Duration of a reconciliation", ["controller"]
)
ACTIVE = Gauge("controller_runtime_active_workers", "Reconciliations in progress", ["controller"])
CAPACITY = Gauge(
    "controller_runtime_max_concurrent_reconciles",
    "Maximum number of concurrent reconciliations",
    ["controller"],
)
ADDS = Counter("workqueue_adds", "Number of times an actor was queued", ["name"])
DEPTH = Gauge("workqueue_depth", "Actors that wait in the queue", ["name"])
QUEUED_SECONDS = Histogram(
    "workqueue_queue_duration_seconds", "Time that an actor waited in the queue", ["name"]
)
WORK_SECONDS = Histogram(
    "workqueue_work_duration_seconds", "Duration of a reconciliation", ["name"]
)
UNFINISHED = Gauge(
    "workqueue_unfinished_work_seconds", "Total age of all reconciliations in progress", ["name"]
)
LONGEST = Gauge(
    "workqueue_longest_running_processor_seconds",
    "Age of the oldest reconciliation in progress",
    ["name"],
)
TIMEOUTS = Counter(
    "controller_runtime_reconcile_timeouts",
    "Reconciliations that were canceled because they took too long",
    ["controller"],
)
RETRIES = Counter("workqueue_retries", "Reconciliations retried after a failure", ["name"])
STATUS_WRITE_ERRORS = Counter(
    "natsctl_status_write_errors", "Failed writes of a status", ["controller"]
)
CLUSTERS = Gauge("natsctl_clusters", "NatsClusters under management")
LOOP_LAG = Gauge("natsctl_loop_lag_seconds", "Largest delay of a timer in the event loop")


class Work:
    """The passes under way: what the two gauges of unfinished work show when they are read."""

    def __init__(self) -> None:
        self._started: dict[object, float] = {}
        UNFINISHED.labels(CONTROLLER).set_function(lambda: sum(self._ages()))
        LONGEST.labels(CONTROLLER).set_function(lambda: max(self._ages(), default=0.0))

    @contextmanager
    def one_pass(self) -> Iterator[None]:
        """Count one pass: how many run, for how long, and how long it took."""
        me = object()
        self._started[me] = monotonic()
        try:
            with (
                ACTIVE.labels(CONTROLLER).track_inprogress(),
                SECONDS.labels(CONTROLLER).time(),
                WORK_SECONDS.labels(CONTROLLER).time(),
            ):
                yield
        finally:
            del self._started[me]

    def _ages(self) -> list[float]:
        now = monotonic()
        return [now - started for started in self._started.values()]


WORK = Work()

for _result in ("success", "error", "requeue_after"):
    RECONCILES.labels(CONTROLLER, _result)
for _metric in (
    ERRORS,
    TERMINAL_ERRORS,
    PANICS,
    TIMEOUTS,
    STATUS_WRITE_ERRORS,
    ACTIVE,
    CAPACITY,
    SECONDS,
):
    _metric.labels(CONTROLLER)
for _queue in (ADDS, DEPTH, RETRIES, QUEUED_SECONDS, WORK_SECONDS):
    _queue.labels(CONTROLLER)
