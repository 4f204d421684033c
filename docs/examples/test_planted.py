"""Tests of a service with faults: each passes, until `--kaiko=strict` looks at the answers."""

from __future__ import annotations

from kaiko_pytest import assert_error
from planted_service import ContextNotFound, client


def test_expired() -> None:
    assert_error(client.get("/v2/contexts/ctx_1"), ContextNotFound)


def test_archived() -> None:
    assert client.get("/v2/contexts/archived").status_code == 404


def test_locked() -> None:
    assert client.get("/v2/contexts/locked").status_code == 409


def test_damaged() -> None:
    assert client.get("/v2/contexts/damaged").is_client_error


def test_admin() -> None:
    assert client.get("/v2/admin").status_code == 403


def test_wrong_error() -> None:
    assert_error(client.get("/v2/contexts/locked"), ContextNotFound)
