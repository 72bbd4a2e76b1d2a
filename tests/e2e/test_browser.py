"""docs/examples/browser.html in a real browser, on the real platform."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode

import httpx
import pytest

from stack.settings import load_settings
from tests.browser import Page, browsing, find
from tests.e2e.conftest import Customer
from tests.platform import ROOT, Platform

MISSING = (
    "not run: there is no Chromium here to run docs/examples/browser.html in. "
    "Next: apt-get install chromium-headless-shell, or CAUSEWAY_TEST_BROWSER=/path/to/one"
)
[ORIGIN, *_] = load_settings().origins
PASSWORD = "correct-horse-battery"
NOBODYS_STREAMS = """
    window.elsewhere = (url) => url.replace(/[^/]+:watch/, "none:watch");
    window.EventSource = class extends EventSource {
      constructor(url, options) { super(elsewhere(url), options); }
    };
    window.really = { fetch: fetch.bind(window), later: setTimeout.bind(window) };
    window.fetch = (url, options) => really.fetch(elsewhere(url), options);
    window.setTimeout = (work) => really.later(work, 10);
"""
"""What is watched is an order that there is not, and nobody waits long."""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where the example is served."""
    handler = partial(Quiet, directory=str(ROOT / "docs" / "examples"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(port: int) -> Iterator[Page]:
    program = find()
    if program is None:
        pytest.skip(MISSING)
    # The origin is the allowed one, whoever has its port on this machine.
    here = f"--host-resolver-rules=MAP {ORIGIN.removeprefix('http://')} 127.0.0.1:{port}"
    with browsing(program, here) as page:
        yield page


@pytest.fixture
def page(causeway: Platform, browser: Page) -> Page:
    """The example, freshly opened."""
    addresses = {
        name: causeway[f"CAUSEWAY_{name.upper()}"].replace("127.0.0.1", "localhost")
        for name in ("edge", "keycloak")
    }
    browser.ask("Page.navigate", url=f"{ORIGIN}/browser.html?{urlencode(addresses)}")
    browser.until("document.readyState == 'complete' && !!document.forms.login?.onsubmit")
    browser.events.clear()
    return browser


def log_in(page: Page, username: str, password: str) -> None:
    page.run(f"login.username.value = '{username}', login.password.value = '{password}'")
    page.run("login.querySelector('button').click()")


def place(page: Page, sku: str, quantity: int) -> None:
    page.run(f"order.sku.value = '{sku}', order.quantity.value = '{quantity}'")
    page.run("order.querySelector('button').click()")


def test_an_order_is_placed_watched_and_told_of(
    page: Page, customer: Customer, rest: httpx.Client, operator_headers: dict[str, str]
) -> None:
    log_in(page, customer.username, PASSWORD)
    page.until("!shop.hidden && order.sku.options.length >= 3")
    place(page, "book", 2)
    page.until("changes.innerText.includes('is confirmed, 25.00 EUR')")
    name = page.run("changes.lastChild.innerText").split()[0]
    rest.post(f"/v1/{name}:ship", json={}, headers=operator_headers).raise_for_status()
    page.until("changes.innerText.includes('is shipped, 25.00 EUR')")
    page.until("notifications.innerText.includes('Your order is confirmed')")
    # It came over Server-Sent Events, with the token in a cookie.
    sent = [one["params"] for one in page.events if one["method"] == "Network.requestWillBeSent"]
    assert [one["type"] for one in sent if ":watch" in one["request"]["url"]] == ["EventSource"]
    assert page.run("error.textContent") == ""
    page.run("logout.click()")
    assert page.run("shop.hidden && !login.hidden && changes.innerText == ''")
    assert "causeway_token" not in page.run("document.cookie")


def test_refusals_are_shown_as_they_are(page: Page, customer: Customer) -> None:
    log_in(page, customer.username, "wrong")
    assert "401 invalid_grant: Invalid user credentials" in page.until("error.textContent")
    log_in(page, customer.username, PASSWORD)
    page.until("!shop.hidden && !error.textContent")
    place(page, "book", 20000)
    told = page.until("error.textContent")
    assert told.startswith("POST /v1/orders?requestId=")
    assert ": 400 " in told
    assert "order.items[0].quantity" in told
    place(page, "desk", 3)
    page.until("changes.innerText.includes('is rejected, 750.00 EUR: ')")


def test_a_stream_that_is_refused_is_tried_some_times_and_then_the_refusal_is_shown(
    page: Page, customer: Customer
) -> None:
    log_in(page, customer.username, PASSWORD)
    page.until("!shop.hidden && !error.textContent")
    page.run(NOBODYS_STREAMS)
    place(page, "book", 1)
    told = page.until("error.textContent")
    assert ":watch: 404 orders/none was not found (code 5)" in told
    sent = [one["params"] for one in page.events if one["method"] == "Network.requestWillBeSent"]
    asked = [one["type"] for one in sent if ":watch" in one["request"]["url"]]
    assert asked.count("EventSource") == 5


@pytest.mark.parametrize("name", ["edge", "keycloak"])
@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "http://localhost@evil.example",
        "http://localhost.evil.example:8080",
        "//evil.example",
        "localhost:8080",
        "javascript:0",
        "",
    ],
)
def test_no_address_of_another_machine_is_taken_from_the_query(
    browser: Page, name: str, elsewhere: str
) -> None:
    browser.ask("Page.navigate", url=f"{ORIGIN}/browser.html?{urlencode({name: elsewhere})}")
    told = browser.until("document.readyState == 'complete' && error.textContent")
    assert told.startswith(f"{name}={elsewhere}: must be http://localhost:PORT")
    assert browser.run("login.hidden && shop.hidden")


def test_where_nothing_answers_the_address_and_what_may_be_wrong_are_said(browser: Page) -> None:
    browser.ask("Page.navigate", url=f"{ORIGIN}/browser.html?keycloak=http://localhost:1")
    browser.until("document.readyState == 'complete' && !!document.forms.login?.onsubmit")
    log_in(browser, "alice", PASSWORD)
    told = browser.until("error.textContent")
    assert f"http://localhost:1 does not answer pages of {ORIGIN}" in told


def test_every_address_of_this_machine_is_taken_from_the_query(browser: Page) -> None:
    for here in ("http://localhost:1", "https://127.0.0.1:1/", "http://[::1]:1"):
        query = urlencode({"edge": here, "keycloak": here})
        browser.ask("Page.navigate", url=f"{ORIGIN}/browser.html?{query}")
        browser.until("document.readyState == 'complete' && !!document.forms.login?.onsubmit")
        assert browser.run("!login.hidden && error.textContent == ''")


def test_every_control_has_a_name_for_who_does_not_see_it(page: Page) -> None:
    page.run("shop.hidden = false")
    nodes = page.ask("Accessibility.getFullAXTree")["nodes"]
    controls = {"textbox", "button", "combobox", "spinbutton", "list", "alert"}
    found = [
        (node["role"]["value"], node.get("name", {}).get("value"))
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in controls
    ]
    assert {role for role, _ in found} >= controls - {"list"}
    assert [role for role, name in found if not name and role != "alert"] == []
