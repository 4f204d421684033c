"""Codes that no class defines: a `code=` at a raise site, or in the handler of an exception.

They exist only when the line runs, so they are read from the source: each call of an error class
with a literal `code=`. Nothing is called, and a code that is computed is not found.
"""

from __future__ import annotations

import ast
import inspect
from functools import partial
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from kaiko_middleware import InvalidValueError, KaikoError, MissingFieldError
from kaiko_middleware.catalog import STATUSES
from kaiko_middleware.error_values import invalid_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Site", "sites_in_handler", "sites_in_module"]


class Site(NamedTuple):
    """A call of an error class.

    `code` is the literal at the call, else the class's. The other values are the literals at the
    call, None where there is none. `where` is `module:function`.
    """

    cls: type[KaikoError]
    code: str
    message: str | None
    param: str | None
    retryable: bool | None
    where: str
    is_literal: bool


def sites_in_module(module: ModuleType) -> Iterator[Site]:
    """Yield the calls with a literal `code=` in a module's source; none if there is no source."""
    tree = _tree_of(module)
    if tree is not None:
        for site in _Sites(vars(module), module.__name__).find(tree):
            if site.is_literal:
                yield site


def sites_in_handler(handler: Callable[..., object]) -> list[Site]:
    """Return the errors that an exception's handler makes; none if its source says nothing."""
    while isinstance(handler, partial):
        handler = handler.func
    function: object = getattr(handler, "__func__", handler)
    code: object = getattr(function, "__code__", None)
    module = inspect.getmodule(function)
    tree = None if module is None else _tree_of(module)
    if module is None or tree is None or not isinstance(code, CodeType):
        return []
    names = {**vars(module), **inspect.getclosurevars(handler).nonlocals}
    sites = _Sites(names, module.__name__)
    node = next((node for node in ast.walk(tree) if _is_source_of(node, code)), None)
    return [] if node is None else list(sites.find(node))


def _tree_of(module: ModuleType) -> ast.Module | None:
    try:
        return ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError, ValueError, RecursionError):
        return None  # compiled, built in, or generated


def _is_source_of(node: ast.AST, code: CodeType) -> bool:
    if isinstance(node, ast.Lambda):
        return code.co_name == "<lambda>" and node.lineno == code.co_firstlineno
    if not isinstance(node, ast.FunctionDef):
        return False
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    return code.co_name == node.name and first == code.co_firstlineno


class _Sites:
    """Finds the calls below a node, and knows in which function each is."""

    def __init__(self, names: Mapping[str, object], module: str) -> None:
        self._names = names
        self._module = module

    def find(self, node: ast.AST, path: str = "") -> Iterator[Site]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            path = f"{path}.{node.name}" if path else node.name
        if isinstance(node, ast.Call):
            cls = self._resolve(node.func)
            if _is_error_class(cls):
                yield _site(cls, node, f"{self._module}:{path}" if path else self._module)
        for child in ast.iter_child_nodes(node):
            yield from self.find(child, path)

    def _resolve(self, node: ast.expr) -> object:
        """Return what a name means; of attributes, only those of modules and classes are read."""
        if isinstance(node, ast.Name):
            return self._names.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self._resolve(node.value)
            if type(owner) is ModuleType:
                return vars(owner).get(node.attr)
        return None


def _is_error_class(value: object) -> TypeGuard[type[KaikoError]]:
    return isinstance(value, type) and issubclass(value, KaikoError)


def _site(cls: type[KaikoError], call: ast.Call, where: str) -> Site:
    order = ("param", "message") if issubclass(cls, MissingFieldError) else ("message",)
    said = dict(zip(order, call.args, strict=False))
    said |= {each.arg: each.value for each in call.keywords if each.arg is not None}
    code, message, param = (_literal(said.get(name)) for name in ("code", "message", "param"))
    retryable = said.get("retryable")
    found = code or cls.code
    if code is None and issubclass(cls, InvalidValueError) and found == STATUSES[422].code:
        found = invalid_code(param)
    return Site(
        cls,
        found,
        message,
        param,
        retryable.value
        if isinstance(retryable, ast.Constant) and isinstance(retryable.value, bool)
        else None,
        where,
        code is not None,
    )


def _literal(node: ast.expr | None) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None
