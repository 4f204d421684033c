"""What two workers count in multiprocess mode, for `test_prometheus.py`.

A program of its own: the client asks the environment for its mode once, when it is imported.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.applications import Starlette

import kaiko_starlette
from adapters.asgi.server import ask
from kaiko_middleware import Config
from kaiko_telemetry.prometheus import prometheus_counter


def main() -> None:
    """Serve in three processes, and print what is exposed."""
    app = Starlette()
    kaiko_starlette.install(app, Config(on_error=[prometheus_counter()]))
    ask(app, "/before-the-fork")
    workers: list[int] = []
    for _ in range(2):
        worker = os.fork()
        if worker == 0:
            ask(app, "/nowhere")
            os._exit(0)
        workers.append(worker)
    for worker in workers:
        os.waitpid(worker, 0)
    registry = CollectorRegistry()
    collector: Any = MultiProcessCollector
    collector(registry)
    json.dump(generate_latest(registry).decode(), sys.stdout)


if __name__ == "__main__":
    main()
