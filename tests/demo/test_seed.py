"""The service that the stacks serve: the same everywhere when time stands still."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from kaiko_demo.llm import DownLlm, HttpLlm
from kaiko_demo.schemas import ChatRequest, Message, NewContext
from kaiko_demo.seed import AT, LIMITED_KEY, LIVE_CONTEXT, service_from_environment
from kaiko_middleware import RateLimitError, ServiceUnavailableError

if TYPE_CHECKING:
    from kaiko_demo.service import DemoService

MOMENT = {AT: "2026-11-22T10:00:00+01:00"}
HELLO = [Message(role="user", content="Hello")]


def test_services_of_one_moment_give_the_same_answers() -> None:
    """To the byte: that is what lets stacks in three processes be compared."""
    first, second = service_from_environment(MOMENT), service_from_environment(MOMENT)
    one, two = first.create_context(NewContext()), second.create_context(NewContext())
    assert one.model_dump_json() == two.model_dump_json()
    assert one.created_at.isoformat() == "2026-11-22T09:00:00+00:00"


def test_a_limit_of_a_moment_is_never_lifted() -> None:
    """Retry-After is then the same number on a slow machine."""
    service = service_from_environment(MOMENT)
    service.admit(LIMITED_KEY)
    service.admit(LIMITED_KEY)
    with pytest.raises(RateLimitError) as caught:
        service.admit(LIMITED_KEY)
    assert caught.value.retry_after == 60


def test_contexts_of_the_present_have_names_that_nobody_can_guess() -> None:
    """A context's name is all it takes to read it."""
    service = service_from_environment({})
    names = {service.create_context(NewContext()).context_id for _ in range(10)}
    assert len(names) == 10
    assert all(len(name) == len("ctx_") + 16 for name in names)
    assert service.context(LIVE_CONTEXT).messages == []


def test_a_language_model_that_is_down_is_a_503_that_says_when_to_come_back() -> None:
    """The cause is a connection that was refused, and stays in the chain for the log."""
    with pytest.raises(ServiceUnavailableError) as caught:
        DownLlm().reply("gpt-4", HELLO)
    assert (caught.value.status, caught.value.retry_after) == (503, 5)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


class Model(BaseHTTPRequestHandler):
    """A language model that answers over HTTP what it was asked."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"reply": f"{asked['model']}: {asked['messages'][-1]['content']}"})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep standard error clean."""


def test_a_language_model_that_is_up_is_asked_over_http(service: DemoService) -> None:
    """The same code, with somebody at the other end."""
    with HTTPServer(("127.0.0.1", 0), Model) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        said = HttpLlm("127.0.0.1", server.server_port).reply("gpt-4", HELLO)
        thread.join()
    assert said == "gpt-4: Hello"
    assert service.chat(ChatRequest(model="gpt-4", messages=HELLO)).message.content == said
