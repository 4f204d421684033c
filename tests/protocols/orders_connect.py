"""What protoc and its plugin for Connect make of a service with one method.

service Orders { rpc Cancel(google.protobuf.Int32Value) returns (google.protobuf.Empty); }
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from connectrpc.client import ConnectClientSync
from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo
from connectrpc.server import ConnectWSGIApplication, EndpointSync
from google.protobuf.empty_pb2 import Empty
from google.protobuf.wrappers_pb2 import Int32Value

if TYPE_CHECKING:
    from connectrpc.request import RequestContext

CANCEL = MethodInfo(
    name="Cancel",
    service_name="shop.v1.Orders",
    input=Int32Value,
    output=Empty,
    idempotency_level=IdempotencyLevel.UNKNOWN,
)


class OrdersSync(Protocol):
    """The service."""

    def cancel(self, request: Int32Value, ctx: RequestContext[Int32Value, Empty]) -> Empty:
        """Cancel an order."""
        del request, ctx
        raise ConnectError(Code.UNIMPLEMENTED, "Not implemented")


class OrdersWSGIApplication(ConnectWSGIApplication):
    """Its server."""

    def __init__(self, service: OrdersSync) -> None:
        cancel = EndpointSync.unary(method=CANCEL, function=service.cancel)
        super().__init__(endpoints={"/shop.v1.Orders/Cancel": cancel})

    @property
    def path(self) -> str:
        """The path that its methods are below."""
        return "/shop.v1.Orders"


class OrdersClientSync(ConnectClientSync):
    """Its client."""

    def cancel(self, request: Int32Value) -> Empty:
        """Cancel an order."""
        return self.execute_unary(request=request, method=CANCEL)
