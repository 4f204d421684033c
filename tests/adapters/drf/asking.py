"""Asking one view, for tests whose promise is the same on every stack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from adapters.django.stacks import STACKS
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from adapters.asgi.server import Answer
    from adapters.django.stacks import Project

WSGI, ASGI = STACKS[1], STACKS[3]


def ask(project: Project, body: object = None, where: str = "/x", **request: Any) -> Answer:
    """Send a JSON body, if there is one."""
    method = request.pop("method", "GET" if body is None else "POST")
    headers = [("Content-Type", "application/json"), *request.pop("headers", ())]
    sent = b"" if body is None else json.dumps(body).encode()
    answer = WSGI.ask(project, where, method=method, headers=headers, body=sent, **request)
    assert check_answer(answer.status, answer.headers, answer.body, method=method) == []
    return answer


def error(project: Project, body: object = None, where: str = "/x", **request: Any) -> Any:
    """Return what the envelope says, and its status."""
    answer = ask(project, body, where, **request)
    said = json.loads(answer.body)["error"]
    assert said.pop("request_id") == answer.id
    return {"status": answer.status, **said}


def refused(project: Project, body: object = None, where: str = "/x", **request: Any) -> Any:
    """Return status, code and param of an envelope."""
    said = error(project, body, where, **request)
    return said["status"], said["code"], said["param"]
