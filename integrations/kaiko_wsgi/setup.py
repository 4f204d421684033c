"""The settings of one middleware, with what each request needs of them at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kaiko_middleware import Config

__all__ = ["Setup"]


class Setup:
    """The settings, prepared for a WSGI environ or what is like one, as Django's `META`.

    Arguments:
        config: the settings; its mapping is frozen from here on.

    """

    __slots__ = ("config", "everywhere", "header", "key", "meta_key", "pipeline", "pop")

    def __init__(self, config: Config) -> None:
        self.pipeline: Pipeline = Pipeline(config)
        self.config: Config = config
        self.everywhere: bool = self.pipeline.covers_everything
        self.header: str = config.request_id_header
        self.key: str = self.header.lower()
        self.meta_key: str = f"HTTP_{self.header.upper().replace('-', '_')}"
        """Where the environ has the inbound id."""
        self.pop: Callable[[], str] = self.pipeline.ids.pop

    def request_id(self, environ: Mapping[str, object]) -> str:
        """Return the id of the request that came with this environ."""
        if not self.config.trust_request_id:
            try:
                return self.pop()
            except IndexError:
                return self.pipeline.ids.refill()
        inbound = environ.get(self.meta_key)
        return self.pipeline.request_id((inbound,) if isinstance(inbound, str) else ())
