"""Configuration of the documentation: `.venv/bin/sphinx-build -W --keep-going docs docs/_build/html`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "extensions")]

from compressor_core import __version__  # noqa: E402

project = "Compressor Studio"
author = "the authors of Compressor Studio"
copyright = f"2026, {author}"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "studio"]
exclude_patterns = ["_build", "extensions"]
language = "en_GB"

html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_toc_level": 1, "navigation_depth": 2, "show_nav_level": 1}
html_title = project
html_show_sourcelink = False
html_copy_source = False

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
suppress_warnings = [
    # Classes of the same name in two modules, where an annotation says the name alone.
    "ref.python",
]
