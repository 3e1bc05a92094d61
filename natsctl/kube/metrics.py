"""What the requests and watch streams count, under client-go's and natsctl's own names.

Prometheus metrics are process-wide by nature: the one exception to "no global state".
"""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("rest_client_requests", "Requests to the API server", ["code", "method", "host"])
RETRIES = Counter("rest_client_request_retries", "Retried requests", ["code", "verb", "host"])
GATE_SECONDS = Histogram(
    "rest_client_rate_limiter_duration_seconds",
    "Time that a request waited because too many others were in flight",
    ["verb", "host"],
)
REQUEST_SECONDS = Histogram(
    "rest_client_request_duration_seconds", "Duration of a request to the API server", ["method"]
)
WRITES = Counter("natsctl_writes", "Writes sent to the API server", ["kind", "verb"])
WATCH_EVENTS = Counter("natsctl_watch_events", "Events received", ["kind", "type"])
WATCH_RESTARTS = Counter(
    "natsctl_watch_restarts", "Watch streams that were reopened, by cause", ["kind", "reason"]
)
CACHE_OBJECTS = Gauge("natsctl_cache_objects", "Objects held in memory", ["kind"])
UNDECODABLE = Counter(
    "natsctl_undecodable_objects", "Objects skipped because they cannot be read", ["kind"]
)
