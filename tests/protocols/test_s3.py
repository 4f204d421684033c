"""botocore: its client makes S3's errors into the exceptions that its users catch."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

CODES = {"lost": ("404 Not Found", "NoSuchKey"), "busy": ("503 Service Unavailable", "SlowDown")}


def store(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Be a store of objects that has none."""
    key = str(environ["PATH_INFO"]).rpartition("/")[2]
    status, code = CODES[key]
    start_response(status, [("Content-Type", "application/xml")])
    return [
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>',
        f"{code}</Code><Message>No {key}</Message><Key>{key}</Key></Error>".encode(),
    ]


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is inherited
        """Do nothing."""


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """A client of the store, which is served on loopback."""
    with make_server("127.0.0.1", 0, KaikoMiddleware(store), handler_class=Quiet) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        made = Session().create_client(
            "s3",
            region_name="local",
            endpoint_url=f"http://127.0.0.1:{server.server_port}",
            aws_access_key_id="x",
            aws_secret_access_key="x",
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
        yield made
        made.close()
        server.shutdown()
        serving.join()


def test_an_object_that_is_not_there(client: Any) -> None:
    """It is the very exception that services catch."""
    with pytest.raises(client.exceptions.NoSuchKey) as raised:
        client.get_object(Bucket="things", Key="lost")
    assert raised.value.response["Error"]["Key"] == "lost"
    assert raised.value.response["ResponseMetadata"]["HTTPHeaders"]["x-request-id"]


def test_a_store_that_is_busy(client: Any) -> None:
    """Its client backs off by the code."""
    with pytest.raises(ClientError) as raised:
        client.get_object(Bucket="things", Key="busy")
    assert raised.value.response["Error"]["Code"] == "SlowDown"
