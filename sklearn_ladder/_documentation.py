"""Links from the HTML representation of estimators to the documentation."""

import importlib.metadata
from functools import cache
from pathlib import Path

BUILT_HERE = Path(__file__).parent.parent / "docs" / "_build" / "html"


@cache
def documentation_url():
    """Address of the documentation, or None.

    That of the installed package's metadata or, in a clone, the site that `make docs`
    built.
    """
    try:
        metadata = importlib.metadata.metadata("sklearn-ladder")
    except importlib.metadata.PackageNotFoundError:
        urls = []
    else:
        urls = metadata.get_all("Project-URL") or []
    for entry in urls:
        label, _, url = entry.partition(", ")
        if label.lower() == "documentation":
            return url.rstrip("/")
    return BUILT_HERE.as_uri() if BUILT_HERE.is_dir() else None


class DocumentationMixin:
    """The HTML representation has a link to the documentation, and parameter texts.

    scikit-learn shows the texts, which are those of the docstring, beside the link.
    """

    _doc_link_module = "sklearn_ladder"

    @property
    def _doc_link_template(self):
        page = "reference/generated/{estimator_module}.{estimator_name}.html"
        return f"{documentation_url()}/{page}"

    def _get_doc_link(self):
        return super()._get_doc_link() if documentation_url() else ""
