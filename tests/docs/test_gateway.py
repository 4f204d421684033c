"""The configurations of docs/gateway.md, run where the machine has nginx or Envoy.

What the service says arrives as it was, with the gateway's id; what the gateway says itself keeps
the contract.
"""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from adapters.asgi.loopback import connected, run
from kaiko_middleware.conformance import check_answer, check_event_stream
from servers.running import running
from servers.server_list import Server

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from adapters.asgi.server import Socket

CONFIGS = Path(__file__).parents[2] / "docs/examples/gateway"
UVICORN = ("uvicorn", "--fd={fd}", "--log-level=critical", "--ws=wsproto")
SERVICE = Server("behind", (*UVICORN, "--timeout-graceful-shutdown=1", "docs.behind_gateway:app"))
MAIN = "daemon off; pid nginx.pid; events {{}} error_log error.log; http {{ {temp} {conf} }}"
TEMP = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Gateway(NamedTuple):
    """A gateway that runs."""

    name: str
    port: int


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


def _command(name: str, program: str, at: Path, port: int, service: int) -> list[str]:
    (config,) = CONFIGS.glob(f"{name}.*")
    text = config.read_text()
    text = text.replace("8080", str(port)).replace("8000", str(service)).replace("60s", "1s")
    if name == "envoy":
        (at / "envoy.yaml").write_text(text)
        return [
            program,
            "-c",
            str(at / "envoy.yaml"),
            "--log-level",
            "error",
            "--base-id",
            str(port),
        ]
    temp = " ".join(f"{kind}_temp_path {kind};" for kind in TEMP)
    (at / "nginx.conf").write_text(MAIN.format(temp=temp, conf=text))
    return [program, "-p", str(at), "-c", "nginx.conf"]


@contextmanager
def _gateway(name: str, at: Path, service: int) -> Generator[Gateway]:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    port = _free_port()
    with (at / "log").open("wb") as log:
        process = subprocess.Popen(
            _command(name, program, at, port, service), stdout=log, stderr=log
        )
        try:
            for _ in range(200):
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=30).close()
                    break
                except OSError:
                    with pytest.raises(subprocess.TimeoutExpired):
                        process.wait(0.05)
            yield Gateway(name, port)
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture(scope="module", params=["nginx", "envoy"])
def gateway(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """Each gateway in front of the service."""
    at = tmp_path_factory.mktemp("gateway")
    with (
        running(SERVICE, at / "service.log") as service,
        _gateway(request.param, at, service.port) as started,
    ):
        yield started


@pytest.fixture(params=["nginx", "envoy"])
def alone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Gateway]:
    """Each gateway, and no service behind it."""
    with _gateway(request.param, tmp_path, _free_port()) as started:
        yield started


class Seen(NamedTuple):
    """An answer as a client sees it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    whole: bool

    @property
    def id(self) -> str:
        (only,) = [value for name, value in self.headers if name.lower() == "x-request-id"]
        return only

    @property
    def error(self) -> dict[str, str]:
        assert check_answer(self.status, self.headers, self.body) == []
        told: dict[str, str] = json.loads(self.body)["error"]
        return told


def ask(
    gateway: Gateway, path: str, *, method: str = "GET", body: bytes | None = None, sent: str = ""
) -> Seen:
    """Send a request with an id that nobody trusts."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    try:
        connection.request(method, path, body, {"X-Request-ID": sent} if sent else {})
        response = connection.getresponse()
        try:
            return Seen(response.status, response.getheaders(), response.read(), whole=True)
        except http.client.IncompleteRead as exc:
            return Seen(response.status, response.getheaders(), exc.partial, whole=False)
    finally:
        connection.close()


def test_the_gateway_makes_the_id(gateway: Gateway) -> None:
    """The service uses it; a client's own is not seen."""
    seen = ask(gateway, "/s/ok", sent="from-the-client")
    assert seen.body.decode() == seen.id
    assert seen.id != "from-the-client"
    assert len(seen.id) >= 32


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/typed", 404, "not_found"),
        ("/bug", 500, "internal"),
        ("/down", 503, "service_unavailable"),
        ("/nowhere", 404, "not_found"),
    ],
)
def test_the_services_errors_pass(gateway: Gateway, path: str, status: int, code: str) -> None:
    """Status, headers and body are the service's."""
    seen = ask(gateway, path)
    assert (seen.status, seen.error["code"]) == (status, code)
    assert (path == "/down") == ("7" in [v for n, v in seen.headers if n.lower() == "retry-after"])


def test_a_service_that_hangs(gateway: Gateway) -> None:
    """The gateway's own timeout is an envelope."""
    seen = ask(gateway, "/hangs")
    assert (seen.status, seen.error["code"]) == (503, "service_unavailable")


def test_a_service_that_is_down(alone: Gateway) -> None:
    """So is its failure to connect."""
    seen = ask(alone, "/s/ok")
    assert (seen.status, seen.error["code"]) == (503, "service_unavailable")


def test_streams_end_as_the_service_ends_them(gateway: Gateway) -> None:
    """The last event arrives, and what is cut looks cut."""
    seen = ask(gateway, "/events")
    assert seen.whole
    assert check_event_stream(seen.body, request_id=seen.id) == []
    assert not ask(gateway, "/text").whole


def test_an_event_does_not_wait(gateway: Gateway) -> None:
    """It arrives though nothing follows."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as connection:
        connection.sendall(b"GET /first HTTP/1.1\r\nHost: a.test\r\n\r\n")
        got = b""
        while b"data: 1" not in got:
            more = connection.recv(9_999)
            assert more
            got += more


def test_a_refused_socket(gateway: Gateway) -> None:
    """Its denial passes, too."""

    async def refused() -> Socket:
        async with connected(gateway.port) as client:
            return await client.upgrade("/room")

    denial = run(refused()).denial
    assert denial is not None
    assert json.loads(denial.body)["error"]["code"] == "not_found"


def test_nginxs_limits(alone: Gateway) -> None:
    """A body that is too large, and too many requests, are told in the contract's words."""
    if alone.name != "nginx":
        pytest.skip("this configuration of Envoy has no limits")
    seen = ask(alone, "/s/ok", method="POST", body=b"x" * 2_000_000)
    assert (seen.status, seen.error["code"]) == (413, "payload_too_large")
    codes = {ask(alone, "/s/ok").error["code"] for _ in range(60)}
    assert codes == {"service_unavailable", "too_many_requests"}
