"""A missing framework names its extra; any other missing module is left as it is."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from kaiko_middleware.extras import is_missing, require


def test_what_is_installed_is_not_imported() -> None:
    """Django's settings must not be read early, for example."""
    sys.modules.pop("this", None)
    require("kaiko_x", "json", "this")
    assert "this" not in sys.modules


def test_what_is_missing_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a form to paste, with the import's own error as the cause."""
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(ModuleNotFoundError) as raised:
        require("kaiko_fastapi", "json", "fastapi")
    assert str(raised.value) == (
        "kaiko_fastapi needs fastapi, which is not installed: "
        "pip install 'kaiko-middleware[fastapi]'"
    )
    assert raised.value.name == "fastapi"
    assert isinstance(raised.value.__cause__, ModuleNotFoundError)


def test_what_no_extra_brings() -> None:
    """Its own name is what pip takes."""
    with pytest.raises(ModuleNotFoundError, match="pip install 'no-such>=1'"):
        require("kaiko_x", "no_such_module", install="no-such>=1")


def test_what_only_an_import_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unusual importer knows better than its specification."""
    monkeypatch.setattr("kaiko_middleware.extras.find_spec", lambda _name: None)
    monkeypatch.delitem(sys.modules, "this", raising=False)
    monkeypatch.setattr("kaiko_middleware.extras.import_module", ModuleType)
    require("kaiko_x", "this")


def test_a_stand_in_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that a test put there has no specification."""
    monkeypatch.setitem(sys.modules, "stand_in", ModuleType("stand_in"))
    assert not is_missing("stand_in")
    assert is_missing("no_such_module")
