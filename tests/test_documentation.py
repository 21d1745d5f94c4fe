"""Links and texts in the HTML representation of estimators."""

import re
from pathlib import Path

import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.utils.fixes import parse_version

import sklearn_ladder
from sklearn_ladder import LadderClassifier, VirtualAdversary, _documentation
from sklearn_ladder.ensemble import (
    ClassPriorClassifier,
    LabeledOnlyClassifier,
    PseudoLabelingClassifier,
    SemiSupervisedVotingClassifier,
)
from sklearn_ladder.preprocessing import GlobalContrastNormalizer, ZCAWhitener

URL = "https://docs.local/ladder"
ESTIMATORS = [
    LadderClassifier(),
    VirtualAdversary(),
    ClassPriorClassifier(LogisticRegression()),
    LabeledOnlyClassifier(LogisticRegression()),
    PseudoLabelingClassifier(LogisticRegression()),
    SemiSupervisedVotingClassifier(),
    GlobalContrastNormalizer(),
    ZCAWhitener(),
]


@pytest.fixture
def published(monkeypatch):
    monkeypatch.setattr(_documentation, "documentation_url", lambda: URL)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_link_is_to_a_page_of_the_reference(estimator, published):
    link = estimator._get_doc_link()
    name = re.fullmatch(URL + r"/reference/generated/sklearn_ladder\.(.+)\.html", link)
    assert f'href="{link}"' in estimator._repr_html_()
    reference = Path(sklearn_ladder.__file__).parent.parent / "docs/reference/index.rst"
    if reference.exists():
        assert f"\n   {name[1]}\n" in reference.read_text()


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.8"),
    reason="has no texts of parameters",
)
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_each_parameter_has_its_text(estimator, published):
    html = estimator._repr_html_()
    for name in estimator.get_params(deep=False):
        (text,) = re.findall(
            rf'position-anchor: --doc-link-{name};">\s*{name}: (.+?)</span>',
            html.split("</details>")[0],
            re.DOTALL,
        )
        assert len(text.split("<br>")) > 2  # type, and description


def test_without_a_site_there_is_no_link(monkeypatch):
    monkeypatch.setattr(_documentation, "documentation_url", lambda: None)
    assert LadderClassifier()._get_doc_link() == ""
    assert "None/" not in LadderClassifier()._repr_html_()


class Metadata(dict):
    def get_all(self, name):
        return self.get(name)


def test_site_of_the_metadata_then_of_the_clone(monkeypatch, tmp_path):
    def found(urls):
        _documentation.documentation_url.cache_clear()
        metadata = Metadata({"Project-URL": urls})
        monkeypatch.setattr(
            _documentation.importlib.metadata, "metadata", lambda _: metadata
        )
        return _documentation.documentation_url()

    monkeypatch.setattr(_documentation, "BUILT_HERE", tmp_path / "html")
    try:
        assert found(None) is None
        urls = ["Source, https://code.local", "Documentation, https://docs.local/"]
        assert found(urls) == "https://docs.local"
        (tmp_path / "html").mkdir()
        assert found(urls) == "https://docs.local"
        assert found(urls[:1]) == (tmp_path / "html").as_uri()
    finally:
        _documentation.documentation_url.cache_clear()
