"""Compressor Studio: `streamlit run app.py`. Navigation and page set-up only."""

from __future__ import annotations

if __name__ == "__main__":  # for each visitor, as a script
    from pages.parts.ahead import fetch_ahead
    from pages.parts.frame import lead_on, navigate, set_up
    from pages.parts.state import begin

    set_up()
    begin()
    chosen, here = navigate()
    chosen.run()
    lead_on(here)
    fetch_ahead()
else:  # once, as the server
    from starlette.middleware import Middleware
    from streamlit.starlette import App

    from compressor_core.threads import collect_seldom
    from pages.parts.guard import Guard, excuse, running
    from pages.parts.plotly_js import served

    collect_seldom()
    app = App(
        __file__,
        routes=[served()],
        middleware=[Middleware(Guard)],
        lifespan=running,
        on_script_error=excuse,
    )
