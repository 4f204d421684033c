"""The settings: every way to be wrong is one line that says what to write."""

from __future__ import annotations

from copy import copy, deepcopy
from functools import partial
from pickle import dumps, loads
from typing import TYPE_CHECKING, Any

import pytest

from kaiko_middleware import Config, ConfigError, ExceptionMapping, NotFoundError
from kaiko_middleware.headers import prefers_html
from kaiko_middleware.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from kaiko_middleware import ErrorReport


def hook(_report: ErrorReport) -> None:
    """Do nothing."""


async def async_hook(_report: ErrorReport) -> None:
    """Return a coroutine that nobody would await."""


class Unprintable:
    """Its repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError


class Multiline:
    """Its repr has two lines."""

    def __repr__(self) -> str:
        return "first\nsecond"


HEADER = "a header name of its own, such as 'X-Request-ID'"
DIGITS = "an int from 10 to 32"
FLAG = "True or False"
PREFIXES = "a sequence of path prefixes, each starting with '/'"
HOOKS = "a sequence of plain functions that take an ErrorReport"
DEF = "it must be a def that takes an ErrorReport: an async def would not be awaited"
CHALLENGE = "a header value such as 'ApiKey'"

PLAIN = "a plain path: no query, '#', '*', white space or empty segment"
TAKEN = [
    "Host", "Authorization", "Location", "Allow", "Server", "Cookie", "Age", "From", "Origin",
    "User-Agent", "Via", "Range", "Referer", "TE", "Upgrade", "Forwarded", "X-Forwarded-For",
    "Access-Control-Allow-Origin", "access-control-request-method", "Accept", "Accept-Language",
    "If-None-Match", "Content-Range", "Proxy-Authorization", "Sec-Fetch-Site", "Pragma",
]  # fmt: skip

# Key, value, how the value is shown, what is allowed.
WRONG: list[tuple[str, Any, str, str]] = [
    ("request_id_header", "", "''", HEADER),
    ("request_id_header", "X Request", "'X Request'", HEADER),
    ("request_id_header", "X-Id:", "'X-Id:'", HEADER),
    ("request_id_header", "X-Id\r\n", "'X-Id\\r\\n'", HEADER),
    ("request_id_header", "Näme", "'N\\xe4me'", HEADER),
    ("request_id_header", b"X-Id", "b'X-Id'", HEADER),
    ("request_id_header", None, "None", HEADER),
    ("request_id_header", "Content-Length", "'Content-Length'", HEADER),
    ("request_id_header", "set-cookie", "'set-cookie'", HEADER),
    ("request_id_header", "x-should-retry", "'x-should-retry'", HEADER),
    ("request_id_header", "WWW-Authenticate", "'WWW-Authenticate'", HEADER),
    *[("request_id_header", name, f"'{name}'", HEADER) for name in TAKEN],
    ("request_id_digits", 9, "9", DIGITS),
    ("request_id_digits", 33, "33", DIGITS),
    ("request_id_digits", 10.0, "10.0", DIGITS),
    ("request_id_digits", "10", "'10'", DIGITS),
    ("request_id_digits", True, "True", DIGITS),
    *[
        (flag, value, shown, FLAG)
        for flag in (
            "trust_request_id",
            "rewrite_answers",
            "keep_protocol_errors",
            "hold_event_streams",
            "reraise",
        )
        for value, shown in ((1, "1"), ("yes", "'yes'"), (None, "None"))
    ],
    *[
        (key, value, shown, PREFIXES)
        for key in ("paths", "exclude_paths")
        for value, shown in (
            ("/v2", "'/v2'"),
            (b"/v2", "b'/v2'"),
            (5, "5"),
            (None, "None"),
            (["v2"], "'v2'"),
            (["/v2", ""], "''"),
            (["/v2", 5], "5"),
        )
    ],
    *[
        (key, ["/v2", path], ascii(path), PLAIN)
        for key in ("paths", "exclude_paths")
        for path in (
            "/v2?x=1",
            "/v2#top",
            "/a b",
            "/a\tb",
            "/a\n",
            "/a\x00",
            "/a\x9f",
            "/a\u2003b",
            "/a//b",
            "//",
            "//a",
            "/a//",
            "/a*",
            "/a/*",
        )
    ],
    ("paths", (), "()", "at least one prefix, such as ('/',)"),
    ("challenge", "", "''", CHALLENGE),
    ("challenge", "  ", "'  '", CHALLENGE),
    ("challenge", "a\r\nb", "'a\\r\\nb'", CHALLENGE),
    ("challenge", "☃", "'\\u2603'", CHALLENGE),
    ("challenge", None, "None", CHALLENGE),
    ("mapping", {}, "{}", "an ExceptionMapping"),
    ("mapping", ExceptionMapping, f"{ExceptionMapping!a}", "an ExceptionMapping"),
    ("on_error", 5, "5", HOOKS),
    ("on_error", None, "None", HOOKS),
    ("on_error", [5], "5", HOOKS),
    ("on_error", "name", "'name'", HOOKS),
    ("challenge", Unprintable(), "<Unprintable>", CHALLENGE),
    ("challenge", Multiline(), "first second", CHALLENGE),
    ("request_id_header", "x" * 5000 + " ", "'" + "x" * 76 + "...", HEADER),
]


@pytest.mark.parametrize(
    "wrong", WRONG, ids=[f"{number}-{wrong[0]}" for number, wrong in enumerate(WRONG)]
)
def test_a_wrong_value_is_one_line_that_names_key_value_and_what_is_allowed(
    wrong: tuple[str, Any, str, str],
) -> None:
    """Directly, and from a mapping of settings, whose name is then in front."""
    key, value, shown, allowed = wrong
    line = f"{key}: {shown} is not allowed; it must be {allowed}"
    with pytest.raises(ConfigError) as direct:
        Config(**{key: value})
    assert str(direct.value) == line
    with pytest.raises(ConfigError) as mapped:
        Config.from_mapping({key: value}, source="KAIKO_MIDDLEWARE")
    assert str(mapped.value) == f"KAIKO_MIDDLEWARE: {line}"
    assert mapped.value.__context__ is None
    assert "\n" not in line


async def async_generator(_report: ErrorReport) -> AsyncIterator[None]:
    """Return a generator that nobody would iterate."""
    yield


def test_an_async_generator_is_refused_as_a_hook() -> None:
    """It would not run either."""
    with pytest.raises(ConfigError, match=f"on_error: <function async_generator .* {DEF}"):
        Config(on_error=[async_generator])


def test_an_async_hook_is_refused() -> None:
    """Nobody would await it, so nothing would ever be reported."""
    with pytest.raises(ConfigError, match=f"on_error: <function async_hook .* {DEF}"):
        Config(on_error=[async_hook])


@pytest.mark.parametrize("name", ["X-Correlation-ID", "Request-Id", "Traceparent", "X-Accept-ID"])
def test_a_header_of_its_own_is_taken(name: str) -> None:
    """Whatever services call it."""
    assert Config(request_id_header=name).request_id_header == name


def test_a_partial_of_an_async_hook_is_refused_as_well() -> None:
    """It is called the same, and what it returns is not awaited either."""
    hooks: Any = [partial(async_hook)]
    with pytest.raises(ConfigError, match=f"on_error: functools.partial.* {DEF}"):
        Config(on_error=hooks)
    plain = partial(hook)
    assert Config(on_error=[plain]).on_error == (plain,)


KEYS = (
    "challenge, exclude_paths, hold_event_streams, keep_protocol_errors, mapping, on_error, paths, "
    "request_id_digits, request_id_header, reraise, rewrite_answers, trust_request_id"
)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"path": ["/v2"]},
            (
                "KAIKO: unknown key 'path' (with the value ['/v2']); did you mean 'paths'? "
                f"allowed are {KEYS}"
            ),
        ),
        (
            {"PATHS": ["/v2"]},
            (
                "KAIKO: unknown key 'PATHS' (with the value ['/v2']); did you mean 'paths'? "
                f"allowed are {KEYS}"
            ),
        ),
        ({"zzz\n": 1}, f"KAIKO: unknown key 'zzz\\n' (with the value 1); allowed are {KEYS}"),
        ({5: 1}, f"KAIKO: unknown key 5 (with the value 1); allowed are {KEYS}"),
        (["paths"], "KAIKO: ['paths'] is not allowed; it must be a mapping of settings"),
        (None, "KAIKO: None is not allowed; it must be a mapping of settings"),
    ],
)
def test_settings_that_are_none_say_what_there_is(settings: Any, line: str) -> None:
    """A typo is met with the right name."""
    with pytest.raises(ConfigError) as caught:
        Config.from_mapping(settings, source="KAIKO")
    assert str(caught.value) == line


def test_a_configuration_error_is_a_value_error() -> None:
    """Frameworks catch those when they start."""
    assert issubclass(ConfigError, ValueError)


def test_the_defaults_are_the_documented_ones() -> None:
    """Nothing needs to be configured."""
    config = Config()
    assert config.request_id_header == "X-Request-ID"
    assert config.request_id_digits == 10
    assert config.trust_request_id is False
    assert config.paths == ("/",)
    assert config.exclude_paths == ()
    assert config.rewrite_answers is True
    assert config.keep_protocol_errors is True
    assert config.hold_event_streams is False
    assert config.challenge == "ApiKey"
    assert isinstance(config.mapping, ExceptionMapping)
    assert config.on_error == ()
    assert config.reraise is True
    assert Config().mapping is not config.mapping


def test_every_setting_can_be_set_from_a_mapping() -> None:
    """As Django's settings do."""
    mapping = ExceptionMapping()
    settings: dict[str, object] = {
        "request_id_header": "X-Correlation-ID",
        "request_id_digits": 32,
        "trust_request_id": True,
        "paths": ["/v2/", "/v3"],
        "exclude_paths": {"/v2/docs"},
        "rewrite_answers": False,
        "keep_protocol_errors": False,
        "hold_event_streams": True,
        "challenge": " Bearer ",
        "mapping": mapping,
        "on_error": [hook],
        "reraise": False,
    }
    config = Config.from_mapping(settings)
    assert settings.keys() == set(Config.__annotations__)
    assert (config.paths, config.exclude_paths) == (("/v2", "/v3"), ("/v2/docs",))
    assert config.challenge == "Bearer"
    assert config.mapping is mapping
    assert config.on_error == (hook,)
    assert (config.reraise, config.request_id_digits) == (False, 32)


def test_a_configuration_is_frozen() -> None:
    """Two middlewares may share one."""
    config: Any = Config()
    with pytest.raises(AttributeError, match="make a new one to change 'paths'"):
        config.paths = ("/v2",)
    with pytest.raises(AttributeError, match="'paths' cannot be deleted"):
        del config.paths
    with pytest.raises(AttributeError):
        config.other = 1


def unknown_key(_exc: KeyError) -> NotFoundError:
    """Map it."""
    return NotFoundError()


def pickled(config: Config) -> Config:
    """Send it to another process, which is this one."""
    made: Config = loads(dumps(config))  # noqa: S301 - its own
    return made


@pytest.mark.parametrize("copied", [copy, deepcopy, pickled])
def test_a_configuration_can_be_copied(copied: Callable[[Config], Config]) -> None:
    """As whoever copies settings or starts processes does."""
    mapping = ExceptionMapping()
    mapping.register(KeyError, unknown_key)
    config = Config(paths=["/v2"], challenge="Own", mapping=mapping, on_error=[hook])
    made = copied(config)
    assert made.paths == ("/v2",)
    assert made.challenge == "Own"
    assert made.on_error == (hook,)
    assert type(made.mapping.resolve(KeyError())) is NotFoundError


def test_its_repr_is_the_call_that_makes_it() -> None:
    """For a log at start."""
    text = repr(Config(paths=["/v2"], on_error=[]))
    assert text.startswith("Config(challenge='ApiKey', exclude_paths=(), ")
    assert "paths=('/v2',)" in text


@pytest.mark.parametrize(
    ("paths", "exclude", "path", "covered"),
    [
        (["/"], [], "/", True),
        (["/"], [], "/anything", True),
        (["/"], [], "", True),
        (["/v2"], [], "/v2", True),
        (["/v2"], [], "/v2/", True),
        (["/v2"], [], "/v2/chat", True),
        (["/v2/"], [], "/v2", True),
        (["/v2"], [], "/v2x", False),
        (["/v2"], [], "/v20/chat", False),
        (["/v2"], [], "/", False),
        (["/v2"], [], "/api/v2", False),
        (["/v2"], [], "/V2/chat", False),
        (["/v2", "/v3"], [], "/v3/chat", True),
        (["/v2"], ["/v2/docs"], "/v2/docs/a", False),
        (["/v2"], ["/v2/docs"], "/v2/docsx", True),
        (["/"], ["/oauth", "/rpc"], "/rpc", False),
        (["/"], ["/"], "/v2", False),
        (["/v2"], [], "//v2/chat", True),
        (["/v2/a"], [], "/v2///a", True),
        (["/"], ["/rpc"], "//rpc", False),
    ],
)
def test_paths_are_prefixes_by_whole_segments(
    paths: list[str],
    exclude: list[str],
    path: str,
    covered: bool,  # noqa: FBT001 - a column
) -> None:
    """`/v2` is not `/v20`; what is excluded is excluded from what is included.

    Many slashes are one, as for the routers of Litestar, Quart, Falcon and Flask.
    """
    config = Config(paths=paths, exclude_paths=exclude)
    assert config.covers(path) is covered
    assert config.covers(f"/api{path}", "/api") is covered
    assert config.covers(f"/api/{path}", "/api/") is covered  # uvicorn --root-path /api/


def test_nobody_needs_to_ask_where_everything_is_covered() -> None:
    """The hot path's short cut."""
    assert Config().covers_everything
    assert Pipeline(Config()).covers_everything
    assert not Config(paths=["/v2"]).covers_everything
    assert not Config(exclude_paths=["/v2"]).covers_everything


def test_installing_freezes_the_mapping_only() -> None:
    """Until then a service registers what it likes."""
    config = Config()
    config.mapping.register(KeyError, lambda _: NotFoundError())
    Pipeline(config)
    with pytest.raises(RuntimeError):
        config.mapping.register(KeyError, lambda _: NotFoundError())


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html", True),
        ("TEXT/HTML", True),
        ("text/html;level=1;q=0.5, application/json;q=0.5", True),
        ("text/html;q=0.9, application/json;q=0.8", True),
        ("application/json, text/html", True),
        ("application/json, text/html;q=0.9", False),
        ("application/problem+json, text/html;q=0.9", False),
        ("text/html;q=0.4, application/vnd.api+json;q=0.5", False),
        ("*/*", False),
        ("text/*", False),
        ("", False),
        ("application/json", False),
        ("text/html;q=0", False),
        ("text/html;q=nan", False),
        ("text/html;q=high", False),
        ("text/html ; q = 0.5", True),
        (",;,=;q", False),
    ],
)
def test_a_debug_page_is_for_who_asks_for_html_by_name(
    accept: str,
    html: bool,  # noqa: FBT001 - a column
) -> None:
    """With q at least that of any JSON type; a wildcard is JSON."""
    assert prefers_html(accept) is html
