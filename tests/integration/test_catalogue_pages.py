"""The catalogue's pages in a real browser: from a file, without a network."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventflow.catalogue import write_catalogue
from tests.browser import MISSING, Browser, find_browser
from tests.integration.catalogue import reference_catalogue
from tests.servers import require

_SHOWN = "[...document.querySelectorAll('.event')].filter(e => e.offsetParent).map(e => e.querySelector('a').textContent)"
_EVERY = ["CourierArrived", "ParcelLeft", "DoorLeftOpen", "ParcelDelayed", "PaymentTaken", "RefundAsked"]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the reference deployment's events."""
    place = tmp_path_factory.mktemp("catalogue")
    write_catalogue(reference_catalogue(place / "schemas"), place / "a site")
    return place / "a site"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for all tests of this file."""
    with Browser(require(find_browser(), MISSING)) as started:
        yield started


def enter(browser: Browser, element: str, value: str) -> None:
    """Give a field of the form a value, as a person would."""
    browser.run(
        f"{{ const field = document.querySelector({json.dumps(element)});"
        f"field.value = {json.dumps(value)};"
        "field.dispatchEvent(new Event('input', {bubbles: true})); }"
    )


def test_index_opens_from_a_file_and_asks_nothing_else(browser: Browser, site: Path) -> None:
    """The first page is one file: no other is asked for, and nothing is complained of."""
    browser.open((site / "index.html").as_uri())
    assert [(site / "index.html").as_uri()] == browser.requests
    assert [] == browser.complaints
    assert _EVERY == browser.run(_SHOWN)


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("#query", "arrived COURIER", ["CourierArrived"]),
        ("#query", "firmware", ["DoorLeftOpen"]),  # a field's name
        ("#query", "unlock-garage-on-arrival", ["CourierArrived"]),  # a rule's
        ("#query", "nothing of the kind", []),
        ("[data-filter=status]", "draft", ["RefundAsked"]),
        ("[data-filter=target]", "delivery-partner", ["ParcelLeft", "ParcelDelayed"]),
        ("[data-filter=owner]", "couriers-team", ["CourierArrived", "ParcelLeft"]),
    ],
)
def test_search_and_filters_leave_what_fits(
    browser: Browser, site: Path, field: str, value: str, shown: list[str]
) -> None:
    """Events that fit stay, the count says how many, and a link to it shows the same."""
    index = (site / "index.html").as_uri()
    browser.open(index)
    enter(browser, field, value)
    assert shown == browser.run(_SHOWN)
    assert f"{len(shown)} of 6" == browser.run("document.getElementById('count').textContent")
    assert (not shown) == browser.run("document.getElementById('nothing').offsetParent !== null")
    address = browser.run("location.href")
    assert address != index
    browser.open("about:blank")
    browser.open(address)
    assert shown == browser.run(_SHOWN)
    assert [] == browser.complaints


def test_every_link_opens_its_page(browser: Browser, site: Path) -> None:
    """Each event's link leads to its page, and from there back, without asking for more."""
    browser.open((site / "index.html").as_uri())
    links: list[str] = browser.run(
        "[...document.querySelectorAll('.event a')].map(link => link.href)"
    )
    assert len(_EVERY) == len(links)
    for name, link in zip(_EVERY, links, strict=True):
        browser.open(link)
        assert browser.run("document.querySelector('h1').textContent").startswith(name)
        assert (site / "index.html").as_uri() == browser.run("document.querySelector('nav a').href")
        assert [link] == browser.requests
        assert [] == browser.complaints


def test_without_scripts_everything_is_listed(browser: Browser, site: Path) -> None:
    """Where scripts do not run, the form is not shown and every event is."""
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open((site / "index.html").as_uri())
        root = browser.call("DOM.getDocument")["root"]["nodeId"]
        form = _select(browser, root, "form:not([hidden])")
        events = _select(browser, root, ".event:not([hidden]) a")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert ([], len(_EVERY)) == (form, len(events))


def _select(browser: Browser, root: int, selector: str) -> Any:
    return browser.call("DOM.querySelectorAll", nodeId=root, selector=selector)["nodeIds"]


@pytest.mark.parametrize("width", [320, 1200])
@pytest.mark.parametrize("page", ["index.html", "events/door.sensor.DoorLeftOpen.html"])
def test_page_fits_its_width(browser: Browser, site: Path, page: str, width: int) -> None:
    """No page is wider than the screen, a telephone's or a desk's."""
    screen = {"width": width, "height": 700, "deviceScaleFactor": 1, "mobile": False}
    browser.call("Emulation.setDeviceMetricsOverride", **screen)
    try:
        browser.open((site / page).as_uri())
        assert width >= browser.run("document.documentElement.scrollWidth")
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")
