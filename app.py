"""Compressor Studio: `streamlit run app.py`. Navigation and page set-up only."""

from __future__ import annotations

import streamlit as st

from pages.parts.ahead import fetch_ahead
from pages.parts.frame import PAGES, arrive, lead_on, set_up
from pages.parts.state import begin

set_up()
begin()
pages = [
    st.Page(entry.path, title=entry.title, icon=entry.icon, url_path=entry.url, default=entry.default)
    for entry in PAGES
]
chosen = st.navigation(pages, position="top")
arrive()
chosen.run()
lead_on(chosen.url_path or "home")
fetch_ahead()
