"""The part of plotly.js that draws the stage: a quarter of the whole, which a browser reads half a second sooner.

The whole, which Streamlit brings, is for every other chart. The file is that of the npm package
plotly.js-basic-dist-min, in the version that the Python package plotly has whole. Its licence (MIT) lies beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route
from streamlit import config

FILE: Final = Path(__file__).parent / "web" / "plotly-basic-4.1.1.min.js.gz"
NAME: Final = FILE.name.removesuffix(".gz")
TRACES: Final = ("bar", "pie", "scatter")
"""Types of traces that it can draw."""


def served() -> Route:
    """Route of the file, in its compressed form, which browsers keep: its name has its version."""
    base = (config.get_option("server.baseUrlPath") or "").strip("/")
    return Route(f"/{base}/{NAME}" if base else f"/{NAME}", _send)


def _send(request: Request) -> FileResponse:
    headers = {"Content-Encoding": "gzip", "Cache-Control": "public, immutable, max-age=31536000"}
    return FileResponse(FILE, headers=headers, media_type="text/javascript")
