"""A table in a database whose requests are transactions: what a view that fails has written."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connection, connections

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@contextmanager
def atomic_table() -> Generator[Callable[[], int]]:
    """Make the table, and what counts its rows."""
    _execute("CREATE TABLE rows_of_a_test (n int)")
    connections.settings["default"]["ATOMIC_REQUESTS"] = True
    try:
        yield lambda: len(_execute("SELECT n FROM rows_of_a_test"))
    finally:
        connections.settings["default"]["ATOMIC_REQUESTS"] = False
        _execute("DROP TABLE rows_of_a_test")


def write_row() -> None:
    """Write a row, in a view."""
    _execute("INSERT INTO rows_of_a_test VALUES (1)")


def _execute(statement: str) -> list[object]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if statement.startswith("SELECT") else []
