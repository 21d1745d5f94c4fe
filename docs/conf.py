"""Configuration of the documentation: ``make docs`` builds it into docs/_build/html."""

import os
import re

from sphinx_gallery.sorting import ExplicitOrder

import sklearn_ladder
from sklearn_ladder import _documentation

project = "sklearn_ladder"
author = "the sklearn_ladder developers"
copyright = author
version = release = sklearn_ladder.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
# The build needs no network. INTERSPHINX=1 fetches the inventories of other projects,
# which turns their names into links.
if os.environ.get("INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
intersphinx_mapping = {
    "python": ("https://docs.python.org/3", None),
    "numpy": ("https://numpy.org/doc/stable", None),
    "matplotlib": ("https://matplotlib.org/stable", None),
    "sklearn": ("https://scikit-learn.org/stable", None),
    "skorch": ("https://skorch.readthedocs.io/en/stable", None),
    "torch": ("https://docs.pytorch.org/docs/stable", None),
}

exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
# `x` in a docstring is a parameter or a name, and often no reference.
default_role = "literal"

autosummary_generate = True
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"
numpydoc_show_class_members = False
extlinks = {
    "doi": ("https://doi.org/%s", "doi:%s"),
    "arxiv": ("https://arxiv.org/abs/%s", "arXiv:%s"),
}

myst_enable_extensions = ["colon_fence", "dollarmath", "tasklist"]
myst_heading_anchors = 3

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",  # others are shown without being run
    # that of `make demo`: plot_digits.py is shorter
    "ignore_pattern": r"(^|/)digits\.py$",
    "within_subsection_order": ExplicitOrder(
        [
            "plot_two_moons.py",
            "plot_digits.py",
            "plot_missing_labels.py",
            "plot_categories.py",
            "plot_text.py",
            "plot_images.py",
            "plot_search.py",
            "plot_learning_curves.py",
            "plot_pictures.py",
            "plot_unlabeled_hurt.py",
            "plot_compare.py",
            "plot_stream.py",
            "plot_saving.py",
            "plot_own_callback.py",
            "dask_search.py",
            "dask_parquet.py",
            "*",
        ]
    ),
    "nested_sections": False,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "plot_gallery": "True",
    "remove_config_comments": True,
    "min_reported_time": 1e9,
}

# Pages of the gallery show estimators, whose links are to this site, wherever it is.
_documentation.documentation_url = lambda: ".."

html_theme = "pydata_sphinx_theme"
html_title = "sklearn_ladder"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "collapse_navigation": False,
    "show_nav_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_context = {"default_mode": "light"}


def quote_attributes_in_shapes(app, what, name, obj, options, lines):
    """Write ``(n_features_in_,)`` as code: to reStructuredText it is a link."""
    for number, line in enumerate(lines):
        if "of shape" in line:
            lines[number] = re.sub(r"(?<![\w`])([a-z_]+_)(?=[,)])", r"`\1`", line)


def setup(app):
    """Connect it, to run before numpydoc."""
    app.connect("autodoc-process-docstring", quote_attributes_in_shapes, priority=400)
