"""The report as a reader has it: opened offline in headless Chromium, narrow and wide, light and dark, by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from browser import Page, chromium
from small_study import DOSSIER_FIGURES, failing_report, report_with_dossier

from bayes_rrmm import plots

pytestmark = pytest.mark.external

WIDTHS = (390, 1440)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report_with_dossier().save(tmp_path_factory.mktemp("report") / "report.html")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_opens_without_an_error_or_a_request(page: Page, html: Path, width: int, dark: bool) -> None:
    """No word on the console, nothing asked of the network but the file itself, and no sideways scrolling of the page."""
    page.open(html, width, dark)
    assert page.console() == []
    assert page.asked_for() == [html.resolve().as_uri()]
    assert page.run("return document.documentElement.scrollWidth") <= width
    page.picture(f"report_{width}_{'dark' if dark else 'light'}")


@pytest.mark.parametrize("width", WIDTHS)
def test_figures_and_tables_are_there(page: Page, html: Path, width: int) -> None:
    """Every figure is drawn with a size and an alternative text, in a frame inside the page's width, which a narrow screen can move
    sideways: letters stay legible; every section has its table."""
    page.open(html, width)
    figures = page.run(
        "return [...document.querySelectorAll('figure img')].map(i => [i.width, i.parentNode.getBoundingClientRect().right, i.alt])"
    )
    assert len(figures) >= 10 + len(DOSSIER_FIGURES)
    assert all(size > 600 and right <= width and len(words) > 40 for size, right, words in figures)
    captions = page.run("return [...document.querySelectorAll('table caption')].map(c => c.textContent)")
    assert len(captions) >= 6
    assert len(set(captions)) == len(captions)


def test_the_slider_moves_the_posterior(page: Page, html: Path) -> None:
    """From sceptical to enthusiastic the hazard ratio falls and P(HR < 1) rises, at the ends by refits, in between said to be
    interpolated; keys move it as the mouse does."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    page.open(html, 1440)
    slider = page.driver.find_element(By.CSS_SELECTOR, "[data-explorer] input")

    def shown() -> dict[str, str]:
        outs = "[...document.querySelectorAll('[data-explorer] [data-out]')]"
        return page.run(f"return Object.fromEntries({outs}.map(o => [o.dataset.out, o.textContent]))")

    first = shown()
    seen = [first]
    for _ in range(int(slider.get_attribute("max"))):
        slider.send_keys(Keys.ARROW_RIGHT)
        seen.append(shown())
    last = seen[-1]
    assert "refit" in first["how"]
    assert "refit" in last["how"]
    assert any("interpolated" in state["how"] for state in seen)
    ratios = [float(state["hr"]) for state in seen]
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[-1] < ratios[0]
    assert first["prior"] == "1.00"
    assert float(last["p"].strip("<>")) > float(first["p"].strip("<>"))
    assert page.run("return document.querySelector('[data-explorer] input').getAttribute('aria-valuetext')").endswith(last["how"])
    assert page.console() == []


def test_keyboard_reaches_everything(page: Page, html: Path) -> None:
    """The first Tab stops at the link that skips to the answer; tables that scroll can be reached; folds open."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    page.open(html, 390)
    page.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert page.run("return document.activeElement.className") == "skip"
    assert page.run("return [...document.querySelectorAll('.table')].every(t => t.tabIndex === 0 && t.getAttribute('aria-label'))")
    named = page.run("return [...document.querySelectorAll('[aria-labelledby]')].map(s => s.getAttribute('aria-labelledby'))")
    assert named
    assert all(page.run("return !!document.getElementById(arguments[0])", name) for name in named)
    levels = page.run("return [...document.querySelectorAll('h1,h2,h3')].map(h => Number(h.tagName[1]))")
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_the_methods_can_be_copied(page: Page, html: Path) -> None:
    """The button says that the methods are copied, and no error is heard."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    page.open(html, 1440)
    button = page.driver.find_element(By.CSS_SELECTOR, "[data-copy]")
    page.run("arguments[0].scrollIntoView()", button)
    button.click()
    WebDriverWait(page.driver, 10).until(lambda _: button.text != "Copy")  # the clipboard answers in its own time
    assert button.text == "Copied"
    assert page.console() == []


def test_a_failing_report_says_so_first(page: Page, tmp_path: Path) -> None:
    """The failed checks are the first thing on the page, above the title, at both widths."""
    path = failing_report().save(tmp_path / "failing.html")
    for width in WIDTHS:
        page.open(path, width)
        tops = page.run("return ['.failed', 'h1', '.answer'].map(s => document.querySelector(s).getBoundingClientRect().top)")
        assert tops == sorted(tops)
        assert "DIAGNOSTICS FAILED" in page.run("return document.querySelector('.failed').innerText")
        page.picture(f"failing_{width}")
    assert page.console() == []


def test_it_prints(page: Page, html: Path) -> None:
    """Printed to PDF, folded tables are open and the page runs over several sheets without an error."""
    page.open(html, 1440)
    printed = page.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "paperWidth": 8.27, "paperHeight": 11.69})
    assert len(printed["data"]) > 200_000
    page.run("window.dispatchEvent(new Event('beforeprint'))")
    assert page.run("return [...document.querySelectorAll('details')].every(d => d.open)")
    assert page.console() == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_gallery_opens(page: Page, tmp_path: Path, width: int) -> None:
    """The gallery's page shows every picture at both widths, asks for nothing but these files, and says nothing on the console."""
    from markdown_it import MarkdownIt

    examples = Path(__file__).parents[2] / "examples"
    shown = MarkdownIt().render((examples / "gallery.md").read_text(encoding="utf-8"))
    style = "<style>img { max-width: 100%; } body { overflow-wrap: anywhere; }</style>"
    base = f'<base href="{examples.resolve().as_uri()}/">'
    head = f'<!doctype html><html lang="en"><meta charset="utf-8">{base}<title>Gallery</title>{style}'
    path = tmp_path / "gallery.html"
    path.write_text(f"{head}<body>{shown}</body></html>", encoding="utf-8")
    page.open(path, width)
    pictures = page.run("return [...document.images].map(i => [i.naturalWidth, i.getBoundingClientRect().right, i.alt])")
    assert len(pictures) == len({*plots.GALLERY, *plots.OF_DOSSIERS})
    assert all(size > 300 and right <= width and name for size, right, name in pictures)
    assert page.console() == []
    assert all(address.startswith("file:") for address in page.asked_for())
    assert page.run("return document.documentElement.scrollWidth") <= width
    page.picture(f"gallery_{width}")
