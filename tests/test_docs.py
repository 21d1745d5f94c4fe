"""Python blocks of the docs run, and the API reference has all public names."""

import inspect
import re
from pathlib import Path

import pytest

import sklearn_ladder

DOCS = Path(__file__).parent.parent / "docs"
PAGES = [
    page
    for page in sorted(DOCS.glob("**/*.md"))
    if "```python\n" in page.read_text(encoding="utf-8")
]


@pytest.fixture(autouse=True)
def headless(monkeypatch, tmp_path):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_blocks_run(page):
    text = page.read_text(encoding="utf-8")
    names = {"__name__": page.stem}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(compile(block, str(page), "exec"), names)


def test_user_guide_has_code():
    assert len(PAGES) >= 10


def public_names():
    """Names that users import, relative to the package."""
    names = []
    for name in sklearn_ladder.__all__:
        value = getattr(sklearn_ladder, name)
        if inspect.ismodule(value):
            names += [f"{name}.{own}" for own in value.__all__]
        elif name != "__version__":
            names.append(name)
    return names


@pytest.mark.parametrize("name", public_names())
def test_reference_has_all_public_names(name):
    listed = re.findall(
        r"^   (\S+)$", (DOCS / "reference" / "index.rst").read_text(), re.MULTILINE
    )
    assert name in listed


def test_links_between_pages_lead_to_files():
    for page in [*DOCS.glob("**/*.md"), DOCS.parent / "README.md"]:
        for link in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text()):
            if "gallery/" not in link:  # made by the build
                assert (page.parent / link).exists(), f"{page}: {link}"


def test_developer_notes_say_where_things_are():
    package = Path(sklearn_ladder.__file__).parent
    text = "".join(page.read_text() for page in DOCS.glob("developer/*.md"))
    places = re.findall(r"`([\w.]+)` in `(?:sklearn_ladder/)?([\w/]+\.py)`", text)
    assert len(places) > 5
    for name, file in places:
        source = (package / file).read_text(encoding="utf-8")
        assert re.search(rf"\b{name.rpartition('.')[2]}\b", source), (name, file)
