#!/usr/bin/env bash
# FastAPI 0.165.0's own telemetry and its own EventSourceResponse: what an event stream raises after
# its first event is an `ExceptionGroup` in the metrics, whatever the endpoint raised.
#
# Seen: http.server.request.duration has error.type "ExceptionGroup" for an endpoint that yields one
# event and raises RuntimeError. A StreamingResponse that fails the same way has "RuntimeError". So
# an alert on an exception's class does not see those of event streams, and all of them share one
# value.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check fastapi==0.165.0 starlette==1.10.0 \
  httpx2==2.16.2 opentelemetry-sdk==1.45.1
cat >"$work/show.py" <<'PY'
from collections.abc import AsyncIterable
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse
from fastapi.testclient import TestClient
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

reader = InMemoryMetricReader()
app = FastAPI(
    telemetry={"meter_provider": MeterProvider([reader]), "tracing": False, "logs": False}
)


@app.get("/events", response_class=EventSourceResponse)
async def events() -> AsyncIterable[int]:
    yield 1
    raise RuntimeError("after the first event")


@app.get("/bytes")
async def some_bytes():
    async def chunks():
        yield b"one"
        raise RuntimeError("after the first chunk")

    return StreamingResponse(chunks())


client = TestClient(app, raise_server_exceptions=False)
for name in ("fastapi", "starlette", "opentelemetry-sdk"):
    print(name, version(name))
for path in ("/events", "/bytes"):
    client.get(path)
data = reader.get_metrics_data()
points = {
    point.attributes.get("http.route"): point.attributes.get("error.type")
    for resource in data.resource_metrics
    for scope in resource.scope_metrics
    for metric in scope.metrics
    if metric.name == "http.server.request.duration"
    for point in metric.data.data_points
}
print("error.type of the duration's points:", points)
assert points == {"/events": "ExceptionGroup", "/bytes": "RuntimeError"}
PY
"$work/env/bin/python" "$work/show.py"
