"""Another protocol's error that a renderer makes of what a view returned."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response

from adapters.django.support import each_wsgi_stack
from adapters.drf.views import Thing, project

if TYPE_CHECKING:
    from rest_framework.request import Request

    from adapters.django.stacks import Stack

SCIM = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "400"}


class ScimRenderer(BaseRenderer):
    """Makes SCIM's error of whatever DRF says."""

    media_type = "application/scim+json"
    format = "json"

    def render(self, data: Any, *_args: Any, **_kwargs: Any) -> bytes:
        """Return the body."""
        return json.dumps({**SCIM, "detail": str(data)}).encode()


@each_wsgi_stack
def test_what_a_renderer_makes_of_a_serializers_errors(stack: Stack) -> None:
    """The bytes count, not what they were made of."""

    def act(_request: Request) -> Response:
        serializer = Thing(data={})
        serializer.is_valid()
        return Response(serializer.errors, status=400)

    answer = stack.ask(project(act, renderer_classes=[ScimRenderer]))
    assert (answer.status, json.loads(answer.body)["schemas"]) == (400, SCIM["schemas"])
    answer = stack.ask(project(act))
    assert json.loads(answer.body)["error"]["code"] == "missing_field"
