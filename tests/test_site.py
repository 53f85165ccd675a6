"""`make docs` builds a site that is complete and works offline and on phones."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.report.conftest import browser  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "build/docs"


@pytest.fixture(scope="module")
def site(made_once):
    def build(_):
        done = subprocess.run(
            ["make", "-o", "setup", "-o", ".venv/.dev", "docs"],
            cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            pytest.fail(done.stdout + done.stderr, pytrace=False)

    made_once("site", build)
    return SITE


def text(page: Path) -> str:
    return re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8"))


def test_pages_load_no_external_resources(site):
    loaded = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=[\"'](?:https?:)?//")
    styles = re.compile(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//")
    found = {
        str(file.relative_to(site)): (loaded if file.suffix == ".html" else styles).findall(content)
        for file in [*site.rglob("*.html"), *site.rglob("*.css")]
        for content in [file.read_text(encoding="utf-8")]
    }
    assert len(found) > 60
    assert not {file: parts for file, parts in found.items() if parts}


def test_every_parameter_is_described(site):
    page = text(site / "parameters.html")
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    plans = ("matrix", "studies")
    keys = [
        f"{section}.{key}" for section, values in params.items()
        if isinstance(values, dict) and section not in plans for key in values
    ]  # fmt: skip
    assert len(keys) > 40
    assert not [key for key in ("seed", *keys, *plans) if key not in page]
    assert "songs that must not be published with the page" in page  # from a comment of two lines


def test_every_command_is_described(site):
    page = text(site / "commands.html")
    targets = re.findall(r"^([a-z]+):.*?##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    modules = [
        path.stem for path in (ROOT / "study").glob("*.py")
        if '__name__ == "__main__"' in path.read_text()
    ]  # fmt: skip
    names = [f"make {name}" for name in targets] + [f"python -m study.{name}" for name in modules]
    assert not [name for name in (*names, "vocalseg separate") if name not in page]
    assert "--overlap" in page and "--dry-run" in page and "\x1b" not in page


def test_every_module_has_a_page_with_its_public_functions(site):
    modules = {
        ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "src").rglob("*.py")
    }
    assert not modules - {page.stem for page in (site / "generated/api").glob("*.html")}
    separator = (site / "generated/api/vocalseg.separator.html").read_text(encoding="utf-8")
    for name in ("Separator", "Separator.load", "Separator.separate"):
        assert f'id="vocalseg.separator.{name}"' in separator


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_pages_fit_the_window_and_need_no_network(site, browser, width, dark):  # noqa: F811
    for page in ("index", "tutorial", "parameters", "results", "generated/first-look"):
        browser.open(site / f"{page}.html", width, dark=dark)
        assert browser.run("document.documentElement.scrollWidth <= innerWidth"), page
        assert not browser.complaints, page


def test_search_works_without_a_server(site, browser):  # noqa: F811
    browser.open(site / "search.html", 1280)
    found = browser.run(
        "new Promise(done => {"
        "  new MutationObserver(() => {"
        "    const links = document.querySelectorAll('#search-results li a');"
        "    if (links.length) done([...links].map(a => a.textContent));"
        "  }).observe(document.querySelector('#search-results'), {childList: true, subtree: true});"
        "  Search.performSearch('robust scaler frequency');"
        "})"
    )
    assert any("paper" in title for title in found)
    assert not browser.complaints
