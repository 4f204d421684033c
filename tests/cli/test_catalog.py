"""`kaiko-middleware catalog`: what a service can answer, read from the service itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from openapi_spec_validator import validate

from cli.shop_files import SHOP, command, write
from kaiko_cli import main, service
from kaiko_cli.catalogue import Catalogue, CatalogueError, read_catalogue
from kaiko_cli.catalogue_formats import as_json, as_markdown, as_openapi
from kaiko_middleware.catalog import OWN_CODES, STATUSES

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("shop"), SHOP)


@pytest.fixture(scope="module")
def printed(shop: Path) -> subprocess.CompletedProcess[str]:
    """What the command prints of the whole shop."""
    return command("catalog", "shop", "--format", "json", cwd=shop)


@pytest.fixture(scope="module")
def catalogue(printed: subprocess.CompletedProcess[str]) -> Catalogue:
    assert printed.returncode == 0
    return Catalogue.model_validate_json(printed.stdout)


def entry(catalogue: Catalogue, code: str) -> Mapping[str, Any]:
    (found,) = (each for each in catalogue.codes if each.code == code)
    return found.model_dump()


# --- what is found -------------------------------------------------------------------


def test_a_class_is_listed_with_all_that_it_says(catalogue: Catalogue) -> None:
    """And with the exceptions that are answered with it."""
    assert entry(catalogue, "order_not_found") == {
        "code": "order_not_found",
        "statuses": (404,),
        "type": "not_found_error",
        "retry": False,
        "message": "The order does not exist",
        "param": "order_id",
        "resolution": "Check the order_id.",
        "description": "Orders are kept for | ten years.",
        "defined": ("shop.errors:OrderNotFound",),
        "exceptions": ("shop.domain:Lost", "shop.domain:Sold"),
    }
    gone = entry(catalogue, "order_gone")
    assert (gone["statuses"], gone["retry"], gone["message"]) == (
        (410,),
        True,
        "The resource is gone",
    )


def test_a_code_at_a_raise_site_is_listed(catalogue: Catalogue) -> None:
    """With what the first site says, and every site."""
    found = entry(catalogue, "not_the_owner")
    assert (found["statuses"], found["type"]) == ((403,), "forbidden_error")
    assert (found["message"], found["param"]) == ("Only the owner may", "order_id")
    assert found["defined"] == ("shop.app:Views.create", "shop.app:also")
    once = entry(catalogue, "only_once")
    assert (once["statuses"], once["retry"], once["message"]) == (
        (429,),
        False,
        "Too many requests",
    )


@pytest.mark.parametrize(
    ("code", "exception"),
    [
        ("already_sold", "shop.domain:Sold"),
        ("shop_closed", "shop.domain:Closed"),
        ("invalid_toast", "shop.domain:Burnt"),
        ("missing_field", "builtins:KeyError"),
    ],
)
def test_the_code_of_a_mapped_exception_is_listed(
    catalogue: Catalogue, code: str, exception: str
) -> None:
    """From a function, a partial and a lambda alike."""
    assert exception in entry(catalogue, code)["exceptions"]


def test_the_toolkits_codes_are_in_it_and_can_be_left_out(shop: Path, catalogue: Catalogue) -> None:
    """With `--own`, those stay that the service itself uses."""
    statuses = {row.code for row in STATUSES.values() if row.received == row.status}
    assert statuses <= {each.code for each in catalogue.codes}
    done = command("catalog", "shop.app:app", "--own", "--format", "json", cwd=shop)
    own = Catalogue.model_validate_json(done.stdout)
    assert [each.code for each in own.codes] == [
        "missing_field",
        "spoilt",
        "not_the_owner",
        "order_not_found",
        "already_sold",
        "order_gone",
        "invalid_toast",
        "only_once",
        "shop_closed",
    ]
    assert own.service == "shop.app:app"


def test_what_cannot_be_found_out_is_said(printed: subprocess.CompletedProcess[str]) -> None:
    """On standard error, with what the modules print; standard output is the catalogue's."""
    assert printed.stderr.splitlines() == [
        "a module that prints when it is imported",
        "shop.app:wrong gives 'Not-A-Code', which is no code",
        "the code that builtins:OSError is mapped to cannot be read from the source",
        "the code that shop.domain:Late is mapped to cannot be read from the source",
    ]


def test_the_id_header_is_the_applications(catalogue: Catalogue) -> None:
    """Where it is the only one that differs."""
    assert catalogue.request_id_header == "X-Trace-ID"


def test_one_code_with_many_statuses_is_one_entry(catalogue: Catalogue) -> None:
    """And the order is by status and code."""
    assert len(entry(catalogue, "request_rejected")["statuses"]) > 50
    keys = [(each.statuses[0], each.code) for each in catalogue.codes]
    assert keys == sorted(keys)


# --- what is imported ----------------------------------------------------------------

APPS = {
    "asgi_app.py": """
        import asgi_errors
        async def app(scope, receive, send): ...
        def make(): return app
        def raises(): raise OSError("a\\x1b")
        def silent(): raise OSError
        class box: inner = app
        number = 3
    """,
    "asgi_errors.py": """
        from kaiko_middleware import NotFoundError
        class Lost(NotFoundError, code="asgi_lost"): pass
        def view(): raise NotFoundError(code="asgi_site")
    """,
    "wsgi_app.py": """
        from kaiko_wsgi import KaikoMiddleware
        from kaiko_middleware import Config, ConflictError, ExceptionMapping
        def serve(environ, start_response): return []
        mapping = ExceptionMapping()
        mapping.register(LookupError, lambda exc: ConflictError(code="wsgi_conflict"))
        app = KaikoMiddleware(serve, Config(mapping=mapping))
    """,
    "starlette_app.py": """
        import kaiko_starlette
        from starlette.applications import Starlette
        from kaiko_middleware import Config, ConflictError, ExceptionMapping
        def config():
            mapping = ExceptionMapping()
            mapping.register(LookupError, lambda exc: ConflictError(code="starlette_conflict"))
            return Config(mapping=mapping)
        app = Starlette()
        kaiko_starlette.install(app, config())
    """,
    "litestar_app.py": """
        from litestar import Litestar
        from kaiko_litestar import KaikoPlugin
        from kaiko_middleware import Config, ConflictError, ExceptionMapping
        mapping = ExceptionMapping()
        mapping.register(LookupError, lambda exc: ConflictError(code="litestar_conflict"))
        app = Litestar([], plugins=[KaikoPlugin(Config(mapping=mapping))])
    """,
    "site/__init__.py": "",
    "plainsite/__init__.py": "",
    "plainsite/settings.py": """
        SECRET_KEY = "x"
        ROOT_URLCONF = "plainsite.urls"
        INSTALLED_APPS = ["kaiko_django"]
        MIDDLEWARE = ["kaiko_django.KaikoMiddleware"]
        KAIKO_MIDDLEWARE = {"mapping": "plainsite.mapped.mapping"}
    """,
    "plainsite/mapped.py": """
        from kaiko_middleware import ConflictError, ExceptionMapping
        mapping = ExceptionMapping()
        mapping.register(LookupError, lambda exc: ConflictError(code="django_conflict"))
    """,
    "plainsite/urls.py": "from plainsite import views\nurlpatterns = []\n",
    "plainsite/views.py": """
        from kaiko_middleware import ForbiddenError
        def view(request): raise ForbiddenError(code="django_forbidden")
    """,
    "plainsite/models.py": """
        from django.contrib.auth.models import User
    """,
    "guarded_app.py": """
        from kaiko_guards.asgi import GuardMiddleware
        async def serve(scope, receive, send): ...
        app = GuardMiddleware(serve, guards=[])
    """,
    "plainwsgi.py": """
        import os
        os.environ["DJANGO_SETTINGS_MODULE"] = "plainsite.settings"
        from django.core.wsgi import get_wsgi_application
        application = get_wsgi_application()
    """,
    "nourls.py": """
        from django.conf import settings
        settings.configure(ROOT_URLCONF="no_urls")
        def app(environ, start_response): ...
    """,
    "broken/__init__.py": "",
    "broken/fine.py": """
        from kaiko_middleware import NotFoundError
        class Fine(NotFoundError, code="broken_fine"): pass
    """,
    "broken/exits.py": "raise SystemExit(3)",
    "broken/misses.py": "import no_such_module",
    "broken/old/__init__.py": "print(1/0)",
}


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("apps"), APPS)


def codes(printed: str) -> set[str]:
    return {each.code for each in Catalogue.model_validate_json(printed).codes}


@pytest.mark.parametrize(
    ("arguments", "own"),
    [
        (["asgi_app:app"], {"asgi_lost", "asgi_site"}),
        (["asgi_app:box.inner"], {"asgi_lost", "asgi_site"}),
        (["asgi_app:make", "--factory"], {"asgi_lost", "asgi_site"}),
        (["wsgi_app:app", "starlette_app:app"], {"wsgi_conflict", "starlette_conflict"}),
        (["litestar_app:app"], {"litestar_conflict"}),
        (["guarded_app:app"], {"key_revoked", "timeout"}),
        (["--django", "plainsite.settings"], {"django_conflict", "django_forbidden"}),
        (["plainwsgi:application"], {"django_conflict", "django_forbidden"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_applications_of_every_stack_are_read(
    apps: Path, arguments: list[str], own: set[str]
) -> None:
    """Their errors, and what their settings map."""
    done = command("catalog", *arguments, "--own", "--format", "json", cwd=apps)
    assert (done.returncode, done.stderr) == (0, "")
    assert codes(done.stdout) == own


def test_a_package_of_a_django_project_is_imported_with_its_settings(apps: Path) -> None:
    """Where the variable names them, or its models could not be imported."""
    settings = "django.conf.global_settings"
    without = command("catalog", "plainsite", "--skip", "plainsite.settings", cwd=apps)
    assert without.returncode == 1
    assert "plainsite.models cannot be imported: ImproperlyConfigured" in without.stderr
    done = command(
        "catalog", "plainsite", "--skip", "plainsite.models", cwd=apps,
        DJANGO_SETTINGS_MODULE=settings,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "django_forbidden" in done.stdout


def test_a_module_that_fails_is_named_and_the_rest_is_shown(apps: Path) -> None:
    """The exit code says that the catalogue may lack something; `--skip` says that it may."""
    done = command("catalog", "broken", "--own", "--format", "json", cwd=apps)
    assert (done.returncode, codes(done.stdout)) == (1, {"broken_fine"})
    assert done.stderr.splitlines() == [
        "broken.exits cannot be imported: SystemExit: 3",
        "broken.misses cannot be imported: No module named 'no_such_module'",
        "broken.old cannot be imported: ZeroDivisionError: division by zero",
    ]
    skipped = [f"--skip=broken.{name}" for name in ("exits", "misses", "old")]
    done = command("catalog", "broken", *skipped, cwd=apps)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["asgi_app:nothing"], "asgi_app:nothing is not there"),
        (["asgi_app:number"], "asgi_app:number is no application: it cannot be called"),
        (["asgi_app:raises", "--factory"], "asgi_app:raises cannot be imported: OSError: a\\x1b"),
        (["asgi_app:silent", "--factory"], "asgi_app:silent cannot be imported: OSError"),
        (["broken.exits:app"], "broken.exits cannot be imported: SystemExit: 3"),
        (["a\x1b[1m:b"], "a\\x1b[1m cannot be imported: No module named 'a\\x1b[1m'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_target_that_is_not_there_is_a_sentence(
    apps: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    """No traceback, no table, exit code 1."""
    monkeypatch.chdir(apps)
    assert main.main(["catalog", *arguments]) == 1
    assert capsys.readouterr() == ("", f"{said}\n")


def test_urls_that_cannot_be_imported_are_named(apps: Path) -> None:
    """The rest is shown."""
    done = command("catalog", "nourls:app", "--own", cwd=apps)
    assert done.returncode == 1
    assert done.stderr == "no_urls cannot be imported: No module named 'no_urls'\n"


def test_a_project_that_is_not_there_is_a_sentence(apps: Path) -> None:
    """The same."""
    done = command("catalog", "--django", "no_set", cwd=apps)
    said = "no_set cannot be imported: No module named 'no_set'\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def test_a_project_without_django_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install."""
    monkeypatch.setattr(service, "is_missing", "django".__eq__)
    with pytest.raises(CatalogueError, match=r"pip install 'kaiko-middleware\[django\]'"):
        service.import_django("settings")


def test_ctrl_c_ends_an_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no module that failed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stopped_app.py").write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        service.import_service(["stopped_app"])


def test_the_toolkits_packages_are_known() -> None:
    """By its extras; the demo is a service like any other."""
    assert {"kaiko_middleware", "kaiko_asgi", "kaiko_guards", "kaiko_cli"} <= service.TOOLKIT
    assert "kaiko_demo" not in service.TOOLKIT


# --- formats -------------------------------------------------------------------------


def test_the_table_is_safe_to_print(shop: Path) -> None:
    """A message of the service with an escape sequence does not reach the terminal."""
    done = command("catalog", "shop", "--own", cwd=shop, COLUMNS="80")
    assert "a\\x1b[31m" in done.stdout
    assert "\x1b" not in done.stdout
    assert "for shop.domain:Sold" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_markdown_page_is_a_table_with_what_is_defined_where(catalogue: Catalogue) -> None:
    """Text of the service is text, whatever Markdown would make of it."""
    page = as_markdown(catalogue)
    assert page.startswith("# Error codes of shop\n")
    names = "| 404 | `order_not_found` | `not_found_error` | order\\_id | no |"
    assert f"{names} The order does not exist | Check the order\\_id. |" in page
    assert "-499 | `request_rejected` |" in page
    assert "Orders are kept for \\| ten years." in page
    assert "a\\\\x1b\\[31m" in page
    assert "\\<b\\>" in page
    assert "shop.domain:Lost<br>shop.domain:Sold" in page


def test_a_page_without_codes_of_a_service_has_one_table() -> None:
    """The toolkit's alone."""
    catalogue = Catalogue(service="none", codes=())
    assert "Where they come from" not in as_markdown(catalogue)


def test_the_openapi_document_is_valid(catalogue: Catalogue) -> None:
    """With an answer for each status, and an example for each code."""
    document = json.loads(as_openapi(catalogue))
    validate(document)
    responses = document["components"]["responses"]
    media = responses["Error404"]["content"]["application/json"]
    shown = media["examples"]["order_not_found"]
    assert shown["summary"] == "Orders are kept for | ten years."
    assert shown["value"]["error"]["param"] == "order_id"
    assert responses["Error403"]["content"]["application/json"]["examples"]["not_the_owner"]
    assert "X-Trace-ID" in responses["Error404"]["headers"]
    statuses = {f"Error{status}" for each in catalogue.codes for status in each.statuses}
    assert responses.keys() == statuses


def test_the_json_is_read_again_as_it_was(catalogue: Catalogue, tmp_path: Path) -> None:
    """It has its version, and nothing of when it was made."""
    path = tmp_path / "codes.json"
    path.write_text(as_json(catalogue))
    assert read_catalogue(path) == catalogue
    assert json.loads(path.read_text())["kaiko_catalog"] == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Invalid JSON"),
        (b"\xff\x00", "Invalid JSON"),
        (b'{"kaiko_catalog": 2}', "at kaiko_catalog"),
        (b'{"service": "a", "codes": [{"code": "Bad"}]}', "at codes.0.code"),
        (b"[" * 100_000, "Invalid JSON"),
        (b" " * (16 * 1024 * 1024 + 1), "is larger than"),
    ],
    ids=["empty", "binary", "version", "entry", "deep", "huge"],
)
def test_what_is_no_catalogue_is_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    """Which names the file."""
    path = tmp_path / "codes.json"
    path.write_bytes(content)
    with pytest.raises(CatalogueError, match=r"codes\.json") as caught:
        read_catalogue(path)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_folder_is_no_catalogue(tmp_path: Path) -> None:
    """Nor is what is not there."""
    for path in (tmp_path, tmp_path / "absent.json"):
        with pytest.raises(CatalogueError, match="cannot be read"):
            read_catalogue(path)


def test_every_code_of_the_process_is_in_the_catalogue_without_a_target(tmp_path: Path) -> None:
    """The toolkit's alone: nothing else is imported."""
    done = command("catalog", "--format", "json", cwd=tmp_path)
    statuses = {row.code for row in STATUSES.values() if row.received == row.status}
    assert codes(done.stdout) == statuses | OWN_CODES.keys()
