#!/usr/bin/env bash
# opentelemetry-instrumentation-fastapi 0.66b1 with FastAPI 0.165.0: what a stream raises after its
# start is on the server's span twice.
#
# Seen: one request whose StreamingResponse raises after its first chunk leaves two `exception`
# events of the same type and message on the one SERVER span. The same failure before the start
# leaves one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check fastapi==0.165.0 starlette==1.10.0 \
  httpx2==2.16.2 opentelemetry-sdk==1.45.1 opentelemetry-instrumentation-fastapi==0.66b1
cat >"$work/show.py" <<'PY'
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

app = FastAPI()
spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)


@app.get("/early")
async def early():
    raise RuntimeError("before the start")


@app.get("/late")
async def late():
    async def chunks():
        yield b"one"
        raise RuntimeError("after the start")

    return StreamingResponse(chunks())


client = TestClient(app, raise_server_exceptions=False)
for name in ("fastapi", "opentelemetry-sdk", "opentelemetry-instrumentation-fastapi"):
    print(name, version(name))
seen = {}
for path in ("/early", "/late"):
    spans.clear()
    client.get(path)
    (server,) = [span for span in spans.get_finished_spans() if span.kind is SpanKind.SERVER]
    seen[path] = [event.attributes["exception.message"] for event in server.events]
    print(path, seen[path])
assert seen == {"/early": ["before the start"], "/late": ["after the start"] * 2}
PY
"$work/env/bin/python" "$work/show.py"
