"""Compressor Studio: `streamlit run app.py`. Navigation and page set-up only."""

from __future__ import annotations

from pages.parts.ahead import fetch_ahead
from pages.parts.frame import lead_on, navigate, set_up
from pages.parts.state import begin

set_up()
begin()
chosen, here = navigate()
chosen.run()
lead_on(here)
fetch_ahead()
