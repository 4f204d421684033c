"""Every test client's answers are read, and are seen while a suite runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kaiko_pytest import assert_error
from pytest_plugin.clients import CLIENTS
from pytest_plugin.service import LampNotFound

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("client", CLIENTS)
def test_an_answer_of_any_client_is_read(client: str) -> None:
    """Its status, its headers and its body; the envelope comes back."""
    error = assert_error(CLIENTS[client]("/lamps/declared"), LampNotFound).error
    assert (error.message, error.param) == ("No lamp there", "lamp_id")
    assert_error(CLIENTS[client]("/lamps/ghost"), status=404, code="ghost_not_found")


@pytest.mark.parametrize("client", CLIENTS)
def test_an_answer_to_any_client_is_seen(run: Callable[..., pytest.RunResult], client: str) -> None:
    """A code that no catalogue has fails the test that asked for it."""
    result = run(
        "from pytest_plugin.clients import CLIENTS\n"
        f"ask = CLIENTS[{client!r}]\n"
        "def test_declared(): assert ask('/lamps/declared').status_code == 404\n"
        "def test_ghost(): assert ask('/lamps/ghost').status_code == 404\n"
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*_ test_ghost _*", "--kaiko=strict: GET * -> 404 ghost_not_found: the catalogue lacks *"]
    )


@pytest.mark.parametrize("client", ["litestar", "drf", "ninja-django", "ninja"])
def test_the_document_of_any_framework_is_read(
    run: Callable[..., pytest.RunResult], client: str
) -> None:
    """FastAPI's is read in the other tests."""
    result = run(
        "from pytest_plugin.clients import CLIENTS\n"
        f"def test_undeclared(): CLIENTS[{client!r}]('/lamps/undeclared')\n"
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "--kaiko=strict: * -> 409 lamp_is_wet: the OpenAPI document lacks the code",
            "The OpenAPI document does not declare 409 'lamp_is_wet' for GET */lamps/{how}. *",
        ]
    )


def test_a_document_is_read_whatever_prefix_an_earlier_request_left(
    run: Callable[..., pytest.RunResult],
) -> None:
    """Django's test client sets none of its own, and `reverse` adds the one that there is."""
    result = run(
        "from django.test.utils import override_script_prefix\n"
        "from pytest_plugin.clients import CLIENTS\n"
        "def test_undeclared():\n"
        "    with override_script_prefix('/earlier/'):\n"
        "        CLIENTS['ninja-django']('/lamps/undeclared')\n"
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*does not declare 409 'lamp_is_wet' for GET /ninja/lamps/{how}. *"]
    )
