"""How each HTTP client and each SDK sends, answers and fails. None is imported until it is used."""

from __future__ import annotations

import json
from functools import partial
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._provider_answers import Failure, Sample

    Read = tuple[str, str, Mapping[str, str], bytes]
    Find = Callable[[str], "Failing | None"]
    Method = Callable[..., Any]

__all__ = ["CLIENTS", "SDKS", "Client", "plain_exception"]


class Failing(Protocol):
    """An upstream that fails."""

    provider: Any
    requests: list[Any]

    def __call__(self, request: Any) -> Any: ...
    def answer(self, request: Any, read: Any, respond: Any, fail: Any, /) -> Any: ...


class Client(NamedTuple):
    """A client.

    `sends` are the methods that reach the network; `heavy` says that it is only patched where it is
    loaded.
    """

    request: Callable[[Any], Read]
    respond: Callable[[Any, Sample], Any]
    fail: Callable[[Any, Failure], Exception]
    sends: tuple[tuple[str, str, str, Callable[[Find, Client, Method], Method]], ...]
    heavy: bool = False


_SAID = {
    "cut_short": "peer closed connection without sending complete message body",
    "timeout": "The read operation timed out",
    "unreachable": "[Errno 111] Connection refused",
}


def _send(find: Find, client: Client, method: Method) -> Method:
    def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        upstream = find(str(request.url))
        if upstream is None:
            return method(self, request, *args, **kwargs)
        if hasattr(request, "read"):  # a streamed body
            request.read()
        return upstream.answer(request, client.request, client.respond, client.fail)

    return send


def _send_async(find: Find, client: Client, method: Method) -> Method:
    async def send(self: Any, request: Any) -> Any:
        upstream = find(str(request.url))
        if upstream is None:
            return await method(self, request)
        await request.aread()
        return upstream.answer(request, client.request, client.respond, client.fail)

    return send


# --- httpx and httpx2 ----------------------------------------------------------------


def _of_httpx(request: Any) -> Read:
    return request.method, str(request.url), dict(request.headers), request.content


def _httpx(name: str) -> Client:
    classes = {
        "cut_short": "RemoteProtocolError",
        "timeout": "ReadTimeout",
        "unreachable": "ConnectError",
    }

    def respond(request: Any, sample: Sample) -> Any:
        made: Any = import_module(name).Response
        return made(
            sample.status, headers=dict(sample.headers), content=sample.body, request=request
        )

    def fail(request: Any, failure: Failure) -> Exception:
        made: Any = getattr(import_module(name), classes[failure])
        failed: Exception = made(_SAID[failure], request=request)
        return failed

    sends = (
        (name, "HTTPTransport", "handle_request", _send),
        (name, "AsyncHTTPTransport", "handle_async_request", _send_async),
    )
    return Client(_of_httpx, respond, fail, sends)


# --- requests ------------------------------------------------------------------------


def _of_requests(request: Any) -> Read:
    body: Any = request.body or b""
    body = body.encode() if isinstance(body, str) else body
    return request.method, request.url, dict(request.headers), body


def _requests_response(request: Any, sample: Sample) -> Any:
    made: Any = import_module("requests").Response()
    made.status_code = sample.status
    made.headers.update(sample.headers)
    made.raw = import_module("urllib3").HTTPResponse(
        BytesIO(sample.body),
        dict(sample.headers),
        sample.status,
        preload_content=False,
    )
    made.request, made.url = request, request.url
    return made


def _requests_failure(request: Any, failure: Failure) -> Exception:
    names = {
        "cut_short": "ChunkedEncodingError",
        "timeout": "ReadTimeout",
        "unreachable": "ConnectionError",
    }
    made: Any = getattr(import_module("requests.exceptions"), names[failure])
    failed: Exception = made(_SAID[failure], request=request)
    return failed


# --- botocore ------------------------------------------------------------------------


def _of_botocore(request: Any) -> Read:
    body: Any = request.body or b""
    body = body.encode() if isinstance(body, str) else body
    return request.method, request.url, dict(request.headers), body


def _botocore_response(request: Any, sample: Sample) -> Any:
    made: Any = import_module("botocore.awsrequest").AWSResponse
    raw: Any = import_module("urllib3").HTTPResponse(BytesIO(sample.body), preload_content=False)
    return made(request.url, sample.status, dict(sample.headers), raw)


def _botocore_failure(request: Any, failure: Failure) -> Exception:
    names = {
        "cut_short": "ConnectionClosedError",
        "timeout": "ReadTimeoutError",
        "unreachable": "EndpointConnectionError",
    }
    made: Any = getattr(import_module("botocore.exceptions"), names[failure])
    failed: Exception = made(endpoint_url=request.url, error=_SAID[failure])
    return failed


CLIENTS: Mapping[str, Client] = {
    "httpx": _httpx("httpx"),
    "httpx2": _httpx("httpx2"),
    "requests": Client(
        _of_requests,
        _requests_response,
        _requests_failure,
        (("requests.adapters", "HTTPAdapter", "send", _send),),
    ),
    "botocore": Client(
        _of_botocore,
        _botocore_response,
        _botocore_failure,
        (("botocore.httpsession", "URLLib3Session", "send", _send),),
        heavy=True,
    ),
}


# --- SDKs ----------------------------------------------------------------------------


def _raised_by(call: Callable[[], object]) -> Exception:
    try:
        call()
    except Exception as exc:  # noqa: BLE001 - whatever the SDK makes of it is wanted
        return exc.with_traceback(None)
    raise ValueError("the SDK takes this answer for a success: it raises nothing")


def _sdk_client(cls: Any, upstream: Failing) -> Any:
    base: Any = import_module(cls.__module__.partition(".")[0])
    http: Any = import_module(base.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0])
    transport = http.MockTransport(upstream)
    return cls(api_key="none", max_retries=0, http_client=http.Client(transport=transport))


def _of_openai(upstream: Failing) -> Exception:
    client = _sdk_client(import_module("openai").OpenAI, upstream)
    create: Any = client.chat.completions.create
    return _raised_by(lambda: list(create(model="m", messages=[], stream=True)))


def _of_anthropic(upstream: Failing) -> Exception:
    client = _sdk_client(import_module("anthropic").Anthropic, upstream)
    create: Any = client.messages.create
    return _raised_by(lambda: list(create(model="m", messages=[], max_tokens=1, stream=True)))


_OPERATIONS = {"bedrock": "Converse", "dynamodb": "PutItem"}


def _of_botocore_sdk(upstream: Failing) -> Exception:
    client = CLIENTS["botocore"]
    asked: Any = _Asked(f"https://{upstream.provider}.us-east-1.amazonaws.com/")

    def respond(_request: Any, sample: Sample) -> Exception:
        body: Any = json.loads(sample.body)
        kind = str(sample.headers.get("x-amzn-errortype") or body["__type"])
        made: Any = import_module("botocore.exceptions").ClientError
        said = {
            "Error": {"Code": kind.rpartition("#")[2], "Message": body["message"]},
            "ResponseMetadata": {
                "HTTPStatusCode": sample.status,
                "HTTPHeaders": dict(sample.headers),
                "RetryAttempts": 0,
            },
        }
        error: Exception = made(said, _OPERATIONS[upstream.provider])
        return error

    try:
        made: Exception = upstream.answer(asked, client.request, respond, client.fail)
    except Exception as exc:  # noqa: BLE001 - a failure of the connection
        return exc.with_traceback(None)
    return made


class _Asked(NamedTuple):
    url: str
    method: str = "POST"
    headers: Mapping[str, str] = {}
    body: bytes = b"{}"


_LIKE_OPENAI = ("azure", "deepseek", "groq", "mistral", "openai", "openrouter")
SDKS: tuple[tuple[str, tuple[str, ...], Callable[[Any], Exception]], ...] = (
    ("openai", _LIKE_OPENAI, _of_openai),
    ("anthropic", ("anthropic",), _of_anthropic),
    ("botocore", ("bedrock", "dynamodb"), _of_botocore_sdk),
)
"""The SDKs: what must be installed, for which providers, and how to have it raise."""


def _get(get: Any) -> None:
    get("https://upstream.test/").raise_for_status()


def plain_exception(upstream: Failing) -> Exception:
    """Return what `raise_for_status` of httpx2 or httpx raises, or the failure to connect."""
    for name in ("httpx2", "httpx"):
        try:
            http: Any = import_module(name)
        except ModuleNotFoundError:
            continue
        get: Any = http.Client(transport=http.MockTransport(upstream)).get
        return _raised_by(partial(_get, get))
    raise ModuleNotFoundError("install httpx2, or the provider's SDK", name="httpx2")
