"""kaiko-middleware's telemetry: hooks of a line each for the SDKs that a service has already.

There is one module for each SDK, which imports nothing of the others:

- `kaiko_telemetry.opentelemetry`: the id and the code on spans, trace ids on log records.
- `kaiko_telemetry.prometheus`: a counter of error answers by code.
- `kaiko_telemetry.sentry`: tags and fingerprints on events.
- `kaiko_telemetry.structlog`: the id on events, and our records rendered like them.

All of them run when an error is answered, and cost nothing on success.
"""

from __future__ import annotations

__all__: list[str] = []
