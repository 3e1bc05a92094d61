"""What actors and lease count, under controller-runtime's names where it has one."""

from prometheus_client import Counter, Gauge, Histogram

CONTROLLER = "natscluster"

LEADER = Gauge("leader_election_master_status", "1 while this process leads", ["name"])
SLOW_PATH = Counter("leader_election_slowpath", "Renewals that failed at first", ["name"])
RECONCILES = Counter(
    "controller_runtime_reconcile", "Reconciliations, by result", ["controller", "result"]
)
ERRORS = Counter("controller_runtime_reconcile_errors", "Failed reconciliations", ["controller"])
TERMINAL_ERRORS = Counter(
    "controller_runtime_terminal_reconcile_errors",
    "Reconciliations that met an error no repetition mends",
    ["controller"],
)
PANICS = Counter(
    "controller_runtime_reconcile_panics", "Reconciliations that met a bug", ["controller"]
)
SECONDS = Histogram(
    "controller_runtime_reconcile_time_seconds", "Time of a reconciliation", ["controller"]
)
ACTIVE = Gauge("controller_runtime_active_workers", "Reconciliations running now", ["controller"])
CAPACITY = Gauge(
    "controller_runtime_max_concurrent_reconciles", "How many may run at a time", ["controller"]
)
ADDS = Counter("workqueue_adds", "Times an actor was woken", ["name"])
DEPTH = Gauge("workqueue_depth", "Actors woken and not yet running", ["name"])
RETRIES = Counter("workqueue_retries", "Reconciliations repeated after a failure", ["name"])
CLUSTERS = Gauge("natsctl_clusters", "NatsClusters under management")
LOOP_LAG = Gauge("natsctl_loop_lag_seconds", "How late the event loop ran a timer, at worst")

for _result in ("success", "error", "requeue_after"):
    RECONCILES.labels(CONTROLLER, _result)
for _metric in (ERRORS, TERMINAL_ERRORS, PANICS, ACTIVE, CAPACITY, SECONDS):
    _metric.labels(CONTROLLER)
for _queue in (ADDS, DEPTH, RETRIES):
    _queue.labels(CONTROLLER)
