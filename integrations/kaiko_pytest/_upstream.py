"""`raise_upstream`: upstreams that fail as real providers fail."""

from __future__ import annotations

import json
import sys
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from ._clients import CLIENTS, SDKS, plain_exception
from ._provider_answers import HOSTS, NO_ANSWER, SAMPLES, Failure, Provider, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

__all__ = ["FailingUpstream", "Failure", "Provider", "RaiseUpstream", "SentRequest"]


class SentRequest(NamedTuple):
    """A request that a failing upstream got."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes


class FailingUpstream:
    """An upstream that fails; it can be the handler of a mock transport.

    >>> import httpx2
    >>> from kaiko_pytest import FailingUpstream
    >>> upstream = FailingUpstream("openai", "rate_limited")
    >>> client = httpx2.Client(transport=httpx2.MockTransport(upstream))
    >>> client.get("https://api.openai.com/v1/models").status_code
    429
    >>> upstream.requests[0].method
    'GET'

    Arguments:
        provider: whose answer it is.
        failure: how it fails.
        url: the start of the URLs that fail; by default the provider's hosts.
        times: how many requests fail; all by default.
        then: what the others get: an object that is sent as JSON with 200.

    Raises:
        ValueError: the provider has no such failure; the message lists what it has.

    """

    def __init__(
        self,
        provider: Provider,
        failure: Failure,
        *,
        url: str | None = None,
        times: int | None = None,
        then: object = None,
    ) -> None:
        samples: Mapping[Failure, Sample] = SAMPLES.get(provider, {})
        if failure not in samples and (failure not in NO_ANSWER or not samples):
            has = ", ".join(sorted([*samples, *NO_ANSWER]) if samples else SAMPLES)
            what = f"{provider} has no failure" if samples else "there is no provider"
            name = failure if samples else provider
            raise ValueError(f"{what} {name!r}: choose one of {has}")
        self.provider: Provider = provider
        self.failure: Failure = failure
        self.requests: list[SentRequest] = []
        """The requests it got, in their order."""
        self._sample = samples.get(failure)
        self._url = url
        self._times = times
        self._then = then

    def matches(self, url: str) -> bool:
        """Whether a request to `url` is for this upstream."""
        if self._url is not None:
            return url.startswith(self._url)
        host = urlsplit(url).netloc.rpartition("@")[2]
        return any(_is_host(host, known) for known in HOSTS[self.provider])

    def __call__(self, request: Any) -> Any:
        """Answer a request of httpx or httpx2 with that library's response, or raise."""
        client = CLIENTS[type(request).__module__.partition(".")[0]]
        return self.answer(request, client.request, client.respond, client.fail)

    def answer(
        self,
        request: Any,
        read: Callable[[Any], tuple[str, str, Mapping[str, str], bytes]],
        respond: Callable[[Any, Sample], Any],
        fail: Callable[[Any, Failure], Exception],
    ) -> Any:
        """Answer a client's request.

        Arguments:
            request: the client's request.
            read: returns its method, URL, headers and body.
            respond: makes the client's response.
            fail: makes the client's exception.

        """
        self.requests.append(SentRequest(*read(request)))
        if self._times is not None and len(self.requests) > self._times:
            kind = {"content-type": "application/json"}
            return respond(request, Sample(200, json.dumps(self._then).encode(), kind))
        if self._sample is None:
            raise fail(request, self.failure)
        return respond(request, self._sample)

    def exception(self) -> Exception:
        """Return what the provider's SDK raises, where it is installed, otherwise the client's.

        For a service whose calls are replaced: `monkeypatch.setattr(…, raising(exception))`, or the
        `side_effect` of a mock. OpenAI's SDK counts for those who speak its protocol.
        """
        for needs, providers, make in SDKS:
            if self.provider in providers and find_spec(needs) is not None:
                return make(self)
        return plain_exception(self)


class RaiseUpstream:
    """The fixture: call it, and requests to a provider fail for the rest of the test.

    It answers what httpx, httpx2, requests and botocore send, also from inside an SDK. Requests to
    other hosts go where they always go. Of two that match, the later one answers.
    """

    def __init__(self) -> None:
        self._upstreams: list[FailingUpstream] = []
        self._undo: list[tuple[type, str, Any]] = []

    def __call__(
        self,
        provider: Provider,
        failure: Failure,
        *,
        url: str | None = None,
        times: int | None = None,
        then: object = None,
    ) -> FailingUpstream:
        """Have a provider fail; the arguments are those of `FailingUpstream`."""
        upstream = FailingUpstream(provider, failure, url=url, times=times, then=then)
        self._upstreams.insert(0, upstream)
        return upstream

    def __enter__(self) -> Self:
        """Answer in place of the network from now on."""
        for name, client in CLIENTS.items():
            if name not in sys.modules and (client.heavy or find_spec(name) is None):
                continue
            for module_name, cls_name, method_name, wrap in client.sends:
                cls: type = getattr(import_module(module_name), cls_name)
                method = vars(cls)[method_name]
                self._undo.append((cls, method_name, method))
                setattr(cls, method_name, wraps(method)(wrap(self._find, client, method)))
        return self

    def __exit__(self, *_: object) -> None:
        """Give the network back."""
        for cls, name, method in reversed(self._undo):
            setattr(cls, name, method)
        self._undo.clear()

    def _find(self, url: str) -> FailingUpstream | None:
        return next((each for each in self._upstreams if each.matches(url)), None)


def _is_host(host: str, known: str) -> bool:
    if known.startswith("."):
        return host.endswith(known)
    return host.startswith(known) if known.endswith(".") else host == known
