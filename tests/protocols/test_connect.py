"""connect-python: its client reads the server's code, message and details."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from connectrpc.code import Code
from connectrpc.errors import ConnectError
from google.protobuf.wrappers_pb2 import Int32Value
from pyqwest import SyncClient
from pyqwest.testing import WSGITransport

from kaiko_wsgi import KaikoMiddleware
from protocols.orders_connect import OrdersClientSync, OrdersSync, OrdersWSGIApplication

if TYPE_CHECKING:
    from connectrpc.request import RequestContext
    from google.protobuf.empty_pb2 import Empty


class Orders(OrdersSync):
    """Knows of no order."""

    def __init__(self, code: Code) -> None:
        self.code = code

    def cancel(self, request: Int32Value, ctx: RequestContext[Int32Value, Empty]) -> Empty:
        """Refuse, and say which order."""
        del ctx
        raise ConnectError(self.code, f"There is no order {request.value}", [request])


# 4xx and 5xx, and a code that a status alone does not tell.
@pytest.mark.parametrize("code", [Code.NOT_FOUND, Code.ABORTED, Code.UNAVAILABLE, Code.DATA_LOSS])
@pytest.mark.parametrize("compression", ["gzip", "identity"])
def test_an_error_of_a_service(code: Code, compression: str) -> None:
    """All that the service said of it arrives, encoded or not."""
    app = KaikoMiddleware(OrdersWSGIApplication(Orders(code)))
    http = SyncClient(WSGITransport(app))
    accepted = None if compression == "gzip" else ()
    with (
        OrdersClientSync(
            "http://shop.test", http_client=http, accept_compression=accepted
        ) as client,
        pytest.raises(ConnectError, match="There is no order 7") as raised,
    ):
        client.cancel(Int32Value(value=7))
    assert raised.value.code is code
    assert [detail.Is(Int32Value.DESCRIPTOR) for detail in raised.value.details] == [True]
