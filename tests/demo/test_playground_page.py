"""The page in a browser: Debian's Chromium, without a window, driven by Playwright."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect, sync_playwright

from kaiko_cli.playground import by_name, groups, slug
from kaiko_cli.processes import STACKS
from kaiko_cli.serving import served
from kaiko_middleware.catalog import ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Route

    from kaiko_demo import Cause

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("KAIKO_CHROMIUM") or shutil.which("chromium")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium: `apt-get install chromium` brings it"
)

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
STREAMED = [cause for group in groups() for cause in group.causes if cause.in_stream or cause.cut]
PATIENCE = 60_000
OPEN_ALL = "() => { for (const each of document.querySelectorAll('details')) each.open = true; }"
# A browser tells its console of sockets that are denied, of streams that are cut, and of a 400.
USUAL = re.compile(r"WebSocket connection to|ERR_INCOMPLETE_CHUNKED_ENCODING|status of 400")
# What was added to the streams' columns, and when.
HISTORY = """
window.seen = [];
new MutationObserver((changes) => {
  for (const { target, addedNodes } of changes)
    for (const node of addedNodes)
      if (node.matches?.(".live li")) seen.push([node.parentElement.previousSibling.textContent,
                                                 node.className, performance.now()]);
}).observe(document, { childList: true, subtree: true });
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page over the whole demo, started once."""
    with served(STACKS, tmp_path_factory.mktemp("served"), pace=0.1) as running:
        yield running.page.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, url: str) -> Iterator[Callable[..., Page]]:
    """Open the page in a context of its own; nothing may be wrong in its console."""
    wrong: list[str] = []
    opened: list[Page] = []

    def heard(said: ConsoleMessage) -> None:
        if said.type == "error":
            wrong.append(said.text)

    def open_it(cause: str = "", **options: Any) -> Page:
        usual: dict[str, Any] = {
            "viewport": {"width": 1280, "height": 900},
            "reduced_motion": "reduce",
        }
        page = browser.new_context(**{**usual, **options}).new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", heard)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.add_init_script(HISTORY)
        opened.append(page)
        page.goto(f"{url}/#{cause}")
        done(page)
        return page

    yield open_it
    for page in opened:
        page.context.close()
    assert [line for line in wrong if not USUAL.search(line)] == []


@pytest.fixture(scope="module")
def shared(browser: Browser, url: str) -> Iterator[Page]:
    """One page for what leaves nothing behind."""
    page = browser.new_context(reduced_motion="reduce").new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    done(page)
    yield page
    page.context.close()


def done(page: Page) -> None:
    """Wait until the answers are there, and what follows them."""
    page.locator("#send:not([disabled])").wait_for()


def fire(page: Page, cause: str) -> None:
    page.locator(f"[data-cause='{cause}']").click()
    done(page)


def fill(page: Page) -> None:
    """Fill the budget, which all tests of this file share."""
    page.get_by_role("button", name="Fill the budget").click()
    expect(page.locator("#tokens")).to_have_text("Retry budget: 500 of 500")


def row(page: Page, name: str) -> Locator:
    """The cells of a part, a stack each."""
    header = page.locator(".answers tbody th", has_text=re.compile(f"^{re.escape(name)}$"))
    return header.locator("xpath=..").locator("td")


def focused(page: Page) -> str:
    """What has the focus, as its id or its text; and that a person sees it."""
    name, outline = page.evaluate(
        "() => { const at = document.activeElement; return [at.id || at.textContent,"
        " getComputedStyle(at).outlineStyle]; }"
    )
    assert outline != "none" or name == "cause", name
    return str(name)


# --- every cause ---------------------------------------------------------------------


@pytest.mark.parametrize("name", [*by_name()])
def test_every_cause_is_fired_at_every_stack(shared: Page, name: str) -> None:
    """The answers are side by side, the same, and what the demo promises."""
    cause = by_name()[name]
    fire(shared, name)
    expect(shared.locator("#verdict")).to_contain_text(
        f"The same on {len(STACKS)} stacks, byte for byte. Only the id differs."
    )
    heads = shared.locator(".answers thead th").all_inner_texts()
    assert heads[1:] == [stack.title for stack in STACKS]
    statuses = [text.splitlines()[0] for text in row(shared, "Status").all_inner_texts()]
    assert statuses == [str(cause.expected.status)] * len(STACKS)
    if cause.expected.code:
        bodies = row(shared, "Body").all_inner_texts()
        assert [body for body in bodies if cause.expected.code not in body] == []
    ids = row(shared, "X-Request-ID").all_inner_texts()
    assert len({*ids}) == len(STACKS)
    expect(shared.locator("#steps li").last).to_contain_text("The caller")
    assert shared.locator("mark, .differs").count() == 0


@pytest.mark.parametrize("cause", STREAMED, ids=slug)
def test_a_broken_stream_is_shown_as_it_arrives(
    open_page: Callable[..., Page], cause: Cause
) -> None:
    """Each piece, and then what a client can see of the end."""
    page = open_page(slug(cause))
    ends = page.locator(".live .end").all_inner_texts()
    assert len(ends) == len(STACKS)
    if cause.cut:
        assert all(text.startswith("Cut off.") and "TypeError" in text for text in ends)
        assert page.locator(".live .cut").count() == len(STACKS)
        expect(row(page, "Status").first).to_contain_text("the answer was cut off")
    else:
        assert ends == ["Ended. The last one is the error."] * len(STACKS)
        for column in page.locator(".live ol").all_inner_texts():
            assert str(cause.expected.code) in column


def test_the_pieces_of_a_stream_arrive_one_after_the_other(open_page: Callable[..., Page]) -> None:
    """Before the stream has ended."""
    page = open_page("chat-streamed")
    seen = page.evaluate("() => window.seen")
    spans = []
    for stack in {name for name, _, _ in seen}:
        times = [at for name, _, at in seen if name == stack]
        spans.append(times[-1] - times[0])
    assert max(spans) > 100
    assert page.locator(".live .end").all_inner_texts() == ["Ended whole."] * len(STACKS)


def test_a_denied_websocket_shows_both_sides(open_page: Callable[..., Page]) -> None:
    """A script learns a number; the wire said an envelope."""
    page = open_page("a-websocket-that-nothing-takes")
    for seen in page.locator(".live ol").all_inner_texts():
        assert seen.splitlines() == [
            "error: an event without a reason",
            "close: code 1006",
            "reason: (empty)",
            "clean: no",
        ]
    assert [text for text in row(page, "Body").all_inner_texts() if '"not_found"' not in text] == []


# --- what is wrong is marked ---------------------------------------------------------


def plant(page: Page, change: Callable[[Any], None]) -> None:
    """Change what the page's server says of the answers."""

    def changed(route: Route) -> None:
        answer = route.fetch()
        said = answer.json()
        change(said)
        route.fulfill(response=answer, json=said)

    page.route("**/fire", changed)
    page.get_by_role("button", name="Send again").click()
    done(page)


def test_a_difference_is_marked_by_more_than_colour(open_page: Callable[..., Page]) -> None:
    """A sign, a word, and what differs in reverse; a screen reader is told."""
    page = open_page("expired-context")

    def differ(said: Any) -> None:
        said |= {"same": False, "differs": ["body", "X-Should-Retry"], "wrong": ["litestar: no"]}
        said["answers"][1]["body"] = [["{", None], ["<b>other</b>", "differs"], ["}", None]]
        for answer in said["answers"]:
            (header,) = (each for each in answer["headers"] if each["name"] == "X-Should-Retry")
            header["mark"] = "differs"

    plant(page, differ)
    expect(page.locator("#verdict")).to_contain_text("Different: body, X-Should-Retry.")
    expect(page.locator("#verdict")).to_contain_text("litestar: no")
    assert page.locator("mark").all_inner_texts() == ["<b>other</b>"]
    for part in ("Body", "X-Should-Retry"):
        assert all("≠ differs" in text for text in row(page, part).all_inner_texts())
    expect(page.locator("#said")).to_contain_text("Different: body")


def test_a_stack_that_is_gone_is_shown_as_such(open_page: Callable[..., Page]) -> None:
    """Next to the others' answers."""
    page = open_page("expired-context")

    def leave(said: Any) -> None:
        said["answers"][0] |= {"status": 0, "broken": "no answer: refused", "body": [], "id": ""}

    plant(page, leave)
    expect(row(page, "Status").first).to_have_text("no answer: refused")
    expect(row(page, "Status").last).to_have_text("404")


def test_a_server_that_is_gone_is_told(open_page: Callable[..., Page]) -> None:
    """And the page stays usable."""
    page = open_page("expired-context")
    page.evaluate("() => { window.fetch = async () => { throw new TypeError('gone'); }; }")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("alert")).to_contain_text("Is the command still running?")
    done(page)


# --- the time line -------------------------------------------------------------------


def test_the_time_line_runs_and_can_be_skipped(open_page: Callable[..., Page]) -> None:
    """Steps come one after the other; the focus is kept."""
    page = open_page("expired-context", reduced_motion="no-preference")
    fire(page, "a-bug")
    fill(page)
    # The time line begins, and stays at its beginning.
    page.evaluate("() => { window.requestAnimationFrame = () => 0; }")
    skip = page.get_by_role("button", name="Skip to the end")
    page.get_by_label("An attempt takes").select_option("3")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(skip).to_be_enabled()
    assert page.locator("#steps li.later").count() > 0
    skip.click()
    expect(skip).to_be_disabled()
    assert page.locator("#steps li").count() == 6
    assert page.locator("#steps li.later").count() == 0
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_focused()
    assert page.locator(".attempt").all_inner_texts() == ["500"] * 3


def test_the_time_line_ends_by_itself(open_page: Callable[..., Page]) -> None:
    """Nobody has to skip it."""
    page = open_page("expired-context", reduced_motion="no-preference")
    expect(page.locator("#track.over")).to_be_attached()
    expect(page.locator("#steps li.later")).to_have_count(0)
    expect(page.get_by_role("button", name="Skip to the end")).to_be_disabled()


def test_a_service_that_recovers_and_an_outage(open_page: Callable[..., Page]) -> None:
    """What a person sets is what the client meets; the budget is shared by all calls."""
    page = open_page("a-bug")
    fill(page)
    page.get_by_label("The service recovers").select_option("1")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#steps li").last).to_contain_text("The caller gets the answer: 200")
    assert page.locator(".attempt").all_inner_texts() == ["500", "200"]
    fill(page)
    page.get_by_role("button", name="Make 40 more calls").click()
    expect(page.locator("#calls p")).to_have_text(
        "40 calls made 75 attempts. The budget stopped 23 of the calls from retrying."
    )
    expect(page.locator("#tokens")).to_have_text("Retry budget: 10 of 500")
    fill(page)


# --- ids -----------------------------------------------------------------------------


def test_an_id_leads_to_the_records_of_every_service(open_page: Callable[..., Page]) -> None:
    """The one that answered and the one behind it, by time."""
    page = open_page("archive-a-bug")
    button = row(page, "X-Request-ID").nth(2).get_by_role("button")
    wanted = button.inner_text()
    button.click()
    expect(page.locator("#id")).to_have_value(wanted)
    expect(page.locator("#records caption")).to_have_text(f"Records of {wanted}")
    services = page.locator("#records tbody td:nth-child(2)").all_inner_texts()
    assert {*services} == {"archive", STACKS[2].name}
    page.get_by_label("Request id").fill("not an id")
    page.get_by_role("button", name="Look up").click()
    expect(page.locator("#records")).to_contain_text("This is no request id")


# --- for everybody -------------------------------------------------------------------


def test_the_keyboard_is_enough(open_page: Callable[..., Page]) -> None:
    """To find a cause, to send it, and to reach all that follows; the focus is always seen."""
    page = open_page("expired-context")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the answers"
    page.keyboard.press("Enter")
    assert focused(page) == "cause"
    page.keyboard.press("Tab")
    assert focused(page) == "send"
    page.keyboard.press("Enter")
    done(page)
    page.reload()
    done(page)
    page.keyboard.press("Tab")
    while focused(page) != "filter":
        page.keyboard.press("Tab")
    page.keyboard.type("archive 429")
    page.keyboard.press("Tab")
    assert focused(page) == "archive: throttled"
    page.keyboard.press("Enter")
    expect(page.locator("#cause")).to_have_text("Archive: throttled")
    done(page)
    order = []
    while (at := focused(page)) != "refill":
        order.append(at)
        page.keyboard.press("Tab")
    wanted = ["send", "curl-for", "copy", "failures", "seconds", "key", "run", "outage"]
    assert [each for each in order if each in wanted] == wanted
    assert any(re.fullmatch("req-[0-9a-f]{10}", each) for each in order)


def test_arrows_move_through_the_causes(open_page: Callable[..., Page]) -> None:
    """And send nothing."""
    page = open_page("messages-missing")
    page.locator("[data-cause='messages-missing']").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    assert focused(page) == "malformed JSON"
    expect(page.locator("#cause")).to_have_text("Messages missing")


def test_the_rows_lead_to_their_causes(open_page: Callable[..., Page]) -> None:
    """All ten, with what each means; the address names the cause."""
    page = open_page("expired-context")
    page.get_by_role("link", name="The ten rows").click()
    expect(page.locator("#h-rows")).to_be_focused()
    rows = page.locator("#rows tbody tr")
    assert [text.split()[0] for text in rows.all_inner_texts()] == [str(row.status) for row in ROWS]
    rows.nth(3).get_by_role("button", name="unknown model").click()
    expect(page.locator("#cause")).to_have_text("Unknown model")
    expect(page.locator("#cause")).to_be_focused()
    assert page.url.endswith("#unknown-model")
    done(page)


def test_the_pictures_of_the_documentation_can_be_taken_again(
    browser: Browser, url: str, tmp_path: Path
) -> None:
    """In both schemes, and small enough to load."""
    spec = importlib.util.spec_from_file_location("screenshot", ROOT / "tools" / "screenshot.py")
    assert spec is not None
    assert spec.loader is not None
    tool: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    taken = tool.take(browser, url, tmp_path)
    kept = [ROOT / "docs" / "_static" / file.name for file in taken]
    assert [file.name for file in taken] == ["playground-light.webp", "playground-dark.webp"]
    assert [file for file in (*taken, *kept) if not 10_000 < file.stat().st_size < 200_000] == []


@pytest.mark.parametrize(
    ("cause", "scheme"),
    [
        ("archive-a-bug", "light"),
        ("archive-a-bug", "dark"),
        ("plain-text-breaks", "dark"),
        ("a-websocket-that-nothing-takes", "light"),
    ],
)
def test_axe_finds_nothing(open_page: Callable[..., Page], cause: str, scheme: str) -> None:
    """In both schemes, with every panel open, after an outage, and where something differs."""
    page = open_page(cause, color_scheme=scheme)
    page.get_by_role("button", name="Make 40 more calls").click()
    page.locator("#calls p").wait_for()
    page.evaluate(OPEN_ALL)
    page.evaluate("() => { document.querySelector('.answers td').className = 'differs'; }")
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found = page.evaluate("() => axe.run()")
    violations = [
        (each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found["violations"]
    ]
    assert violations == []
    assert len(found["passes"]) > 20


@pytest.mark.parametrize("cause", ["body-too-large", "llm-stream-fails", "archive-a-bug"])
def test_the_page_fits_a_phone(open_page: Callable[..., Page], cause: str) -> None:
    """360 pixels, and nothing to scroll sideways but the answers' own frame."""
    page = open_page(cause, viewport={"width": 360, "height": 740}, has_touch=True)
    page.evaluate(OPEN_ALL)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 360
    chosen = page.locator("[data-cause='no-api-key']")
    expect(chosen).to_be_hidden()
    choose = page.get_by_role("button", name="Cause:")
    choose.tap()
    expect(choose).to_have_attribute("aria-expanded", "true")
    assert page.evaluate("() => document.documentElement.scrollWidth") == 360
    chosen.tap()
    expect(chosen).to_be_hidden()
    done(page)
    expect(page.locator("#cause")).to_be_focused()
    expect(page.locator("#cause")).to_have_text("No API key")


def test_the_colours_follow_the_person(open_page: Callable[..., Page]) -> None:
    """The system's, unless another choice was made, which is kept."""
    page = open_page("expired-context", color_scheme="light")
    colour = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.get_by_text("Dark", exact=True).click()
    dark = page.evaluate(colour)
    assert light != dark
    page.reload()
    done(page)
    assert page.evaluate(colour) == dark
    page.get_by_text("Auto", exact=True).click()
    assert page.evaluate(colour) == light


def test_a_cause_that_is_not_there_is_said(open_page: Callable[..., Page]) -> None:
    """The filter looks at the name, the path, the status, the code and what is behind."""
    page = open_page("no-such-cause")
    expect(page.locator("#cause")).to_have_text("Expired context")
    page.get_by_label("Find a cause").fill("xyzzy")
    expect(page.get_by_text("No cause has this word.")).to_be_visible()
    page.get_by_label("Find a cause").fill("duplicate_id")
    assert page.locator("#list button:visible").all_inner_texts() == ["external_id taken"]
