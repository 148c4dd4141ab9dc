"""Location of the app and its assets: inside the installed package, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
APP_FOLDER = _PACKAGE / "_app" if (_PACKAGE / "_app").is_dir() else _PACKAGE.parent
"""Folder of `app.py`, `pages/` and `assets/`."""
ASSETS = APP_FOLDER / "assets"
"""Bundled models and the texts of the pages."""
