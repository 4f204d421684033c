"""The plugin: what stands around an application, its handlers, its hooks and its document."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, cast

from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.plugins import InitPlugin, ReceiveRoutePlugin
from litestar.routes import HTTPRoute

from kaiko_asgi.exchange_driver import request_info
from kaiko_litestar._handlers import Handlers
from kaiko_litestar._known import known_of, left_early
from kaiko_litestar._openapi import document_raises, documented
from kaiko_litestar._outermost import Outermost, is_surrounded, note_failure
from kaiko_middleware import Config, current_request_id
from kaiko_middleware.config import handing_on
from kaiko_middleware.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from litestar.config.app import AppConfig
    from litestar.logging.config import BaseLoggingConfig
    from litestar.routes import BaseRoute

    Hook = Callable[..., Awaitable[None]]

__all__ = ["KaikoPlugin"]


class KaikoPlugin(InitPlugin, ReceiveRoutePlugin):
    """Makes every error answer of a Litestar application an envelope, and documents it.

    Exception handlers of the service's, on any layer, stay in force. Their answers are rewritten
    like any other answer.

    Arguments:
        config: the settings; all defaults when left out.

    Raises:
        TypeError: `config` is not a `Config`.

    >>> from litestar import Litestar
    >>> app = Litestar(plugins=[KaikoPlugin()])

    """

    def __init__(self, config: Config | None = None) -> None:
        self._pipeline = Pipeline(Config() if config is None else config)
        self._heard = Pipeline(handing_on(self._pipeline.config))
        """For what Litestar's hooks hear of before it is answered, whatever `reraise` is."""

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Document the errors.

        Raises:
            RuntimeError: the application has this plugin twice.

        """
        if sum(isinstance(each, KaikoPlugin) for each in app_config.plugins) > 1:
            msg = "this application has a KaikoPlugin already: give it one"
            raise RuntimeError(msg)
        if app_config.openapi_config is not None:
            config = self._pipeline.config
            app_config.openapi_config = documented(app_config.openapi_config, config)
        return app_config

    def receive_route(self, route: BaseRoute) -> None:
        """Install on the application with its first route: there is no earlier place for it."""
        handlers: list[Any] = getattr(route, "route_handlers", None) or [
            cast("Any", route).route_handler  # a route of ASGI has one
        ]
        app = handlers[0].app
        if not is_surrounded(app):
            self._install(app)
        if isinstance(route, HTTPRoute):
            document_raises(route.route_handlers)

    def _install(self, app: Any) -> None:
        Handlers(self._heard, app).register()
        hooks: list[Hook] = app.after_exception
        hooks[:] = [self._unless_mapped(hook) if _is_sentrys(hook) else hook for hook in hooks]
        hooks.append(note_failure)
        app.logging_config = _unless_ours(app.logging_config)
        Outermost(app, self._pipeline, self._heard).surround(app)

    def _unless_mapped(self, hook: Hook) -> Hook:
        """Return Sentry's hook, but not for what is mapped: it would take it for a bug."""

        async def unless_mapped(exc: Exception, scope: Any) -> None:
            if not self._is_mapped(exc, scope):
                await hook(exc, scope)

        return unless_mapped

    def _is_mapped(self, exc: Exception, scope: Any) -> bool:
        request_id = current_request_id()
        if request_id is None:
            return False
        if isinstance(exc, HTTPException):  # Sentry knows what to do about these
            return left_early(exc)
        info = request_info(scope, request_id)
        return self._pipeline.find(exc, info, known_of(ASGIConnection(scope))) is not None


def _is_sentrys(hook: Hook) -> bool:
    function: object = getattr(hook, "func", hook)
    return str(getattr(function, "__module__", "")).startswith("sentry_sdk.")


def _unless_ours(config: BaseLoggingConfig | None) -> BaseLoggingConfig | None:
    """Return a logging configuration whose records do not repeat ours."""
    log = None if config is None else config.exception_logging_handler
    if config is None or log is None or log.__module__ != "litestar.logging.config":
        return config
    given = log

    def unless_ours(logger: Any, scope: Any, traceback: list[str]) -> None:
        if current_request_id() is None:
            given(logger, scope, traceback)

    config = copy(config)
    config.exception_logging_handler = unless_ours
    return config
