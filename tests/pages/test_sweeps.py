"""The page Sweeps: three views, what its widgets change, what its links open."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from compressor_core.runs import Run, RunStore, State, launch
from compressor_core.search.sweep import PAPER_BUDGETS_MB, SweepSettings
from tests.pages.studio import Open, Studio, until_over
from tests.runs.lines import lines_of

SMALL = {"budget_mb": 3.0, "population": 10, "generations": 12}


def field(widgets: Any, label: str) -> Any:
    return next(one for one in widgets if one.label == label)


def texts(at: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*at.markdown, *at.caption, *at.info, *at.warning])


def parameter(at: AppTest, name: str) -> str:
    value = at.query_params[name]
    return value if isinstance(value, str) else value[0]


def charts(at: AppTest) -> list[dict[str, Any]]:
    return [json.loads(one.proto.spec) for one in at.get("plotly_chart")]


def named(spec: dict[str, Any]) -> list[str]:
    return [trace["name"] for trace in spec["data"] if "name" in trace]


def tables(at: AppTest) -> list[Any]:
    return [one.value for one in at.dataframe]


def finish(run: Run) -> Run:
    status = until_over(run)
    assert status.state is State.FINISHED, status.error
    return run


@pytest.fixture
def other(studio: Studio) -> Run:
    """A search beside the studio's, of the paper's operators and with a larger budget."""
    config = {**SMALL, "budget_mb": 25.0, "seed": 3, "operators": "paper"}
    return finish(launch(studio.store, "search", config, name="the other"))


def show(at: AppTest, view: str) -> AppTest:
    return next(one for one in at.segmented_control if one.key == "sweeps_view").set_value(view).run()


class TestOverlay:
    def test_without_a_search_the_way_to_one(self, open_page: Open) -> None:
        at = show(open_page("sweeps"), "overlay")
        assert not at.exception and "no search to overlay" in texts(at)

    @pytest.mark.parametrize(("view", "drawn"), [("seed", 1), ("budget", 2)])
    def test_without_a_sweep_a_ready_made_one(self, open_page: Open, view: str, drawn: int) -> None:
        at = open_page("sweeps")
        assert parameter(at, "view") == "budget"
        at = show(at, view)
        assert not at.exception and len(charts(at)) == drawn and "Ready-made" in texts(at)

    def test_the_newest_searches_to_start_with(self, studio: Studio, other: Run, open_page: Open) -> None:
        at = open_page("sweeps")
        assert not at.exception
        assert parameter(at, "runs") == f"{other.id},{studio.search.id}" and parameter(at, "view") == "overlay"
        convergence, points = charts(at)
        assert len(named(convergence)) == len(named(points)) == 2
        assert convergence["layout"]["yaxis"]["ticktext"][0] == "optimum"
        differences = tables(at)[0]
        space = ["Space: Vocabulary", "Space: Layers"]  # the paper's operators search the paper's space by default
        assert list(differences["Setting"]) == ["Budget (MB)", "Seed", "Operators", *space]
        field(at.toggle, "Show all settings, not only differences").set_value(True).run()
        assert "Space: Layers" in set(tables(at)[0]["Setting"])

    def test_a_run_keeps_its_colour_when_another_leaves(self, studio: Studio, other: Run, open_page: Open) -> None:
        at = open_page("sweeps")

        def look(run: str) -> Any:
            return next(trace["line"] for trace in charts(at)[0]["data"] if run in trace.get("name", ""))

        before = look(studio.search.id[-4:])
        next(one for one in at.multiselect).set_value([studio.search.id]).run()
        assert not at.exception
        assert parameter(at, "runs") == studio.search.id
        assert look(studio.search.id[-4:]) == before
        assert "One run alone has no differences" in texts(at)

    def test_axes(self, studio: Studio, other: Run, open_page: Open) -> None:
        at = open_page("sweeps")
        next(one for one in at.selectbox if one.key == "overlay_height").set_value("fitness").run()
        next(one for one in at.selectbox if one.key == "overlay_by").set_value("generation").run()
        next(one for one in at.selectbox if one.key == "overlay_x").set_value("parameters").run()
        assert not at.exception
        convergence, points = charts(at)
        assert convergence["layout"]["xaxis"]["title"]["text"] == "Generation"
        assert convergence["layout"]["yaxis"]["title"]["text"] == "Best fitness so far"
        assert points["layout"]["xaxis"]["title"]["text"] == "Parameters (million)"

    def test_a_link_opens_its_runs(self, studio: Studio, other: Run, open_page: Open) -> None:
        at = open_page("sweeps", runs=f"{studio.search.id},gone")
        assert not at.exception
        assert len(named(charts(at)[0])) == 1 and "left out: gone" in texts(at)

    def test_none_chosen(self, studio: Studio, open_page: Open) -> None:
        at = open_page("sweeps", runs="")
        assert not at.exception
        assert [spec["layout"]["annotations"][0]["text"] for spec in charts(at)] == ["Choose searches above"] * 2


class TestSeeds:
    def test_from_one_click_to_the_band(self, open_page: Open) -> None:
        at = show(open_page("sweeps"), "seed")
        field(at.number_input, "Generations").set_value(6).run()
        field(at.number_input, "Population").set_value(8).run()
        field(at.number_input, "Seeds").set_value(3).run()
        field(at.button, "Sweep over seeds").click().run()
        assert not at.exception
        (run,) = RunStore().list()
        config = SweepSettings.model_validate(run.config)
        assert (config.over, config.seeds, config.operators) == ("seed", (0, 1, 2), ("studio", "paper"))
        assert config.search.generations == 6
        assert (parameter(at, "run"), parameter(at, "view")) == (run.id, "seed")
        finish(run)
        at.run()
        assert not at.exception
        (band,) = charts(at)
        assert named(band) == ["this program's operators, 3 seeds", "the paper's operators, 3 seeds"]
        assert "counts as worse than every other" in texts(at)
        groups, rows = tables(at)
        assert list(groups["Searches"]) == [3, 3] and len(rows) == 6
        next(one for one in at.selectbox if one.key == "sweep_height").set_value("fitness").run()
        assert charts(at)[0]["layout"]["yaxis"]["title"]["text"] == "Best fitness so far"

    def test_a_budget_that_nothing_fits_is_one_sentence(self, open_page: Open) -> None:
        at = open_page("sweeps", view="seed")
        field(at.number_input, "Budget (MB)").set_value(0.001).run()
        field(at.button, "Sweep over seeds").click().run()
        assert not at.exception
        assert len(at.error) == 1 and "fits 0.001 MB" in at.error[0].value
        assert RunStore().list() == []

    def test_the_link_of_a_run_opens_its_view(self, studio: Studio, open_page: Open) -> None:
        config = SweepSettings.model_validate({"search": SMALL, "seeds": [4]})
        run = finish(launch(studio.store, "sweep", config.model_dump(mode="json"), name="one seed"))
        at = open_page("sweeps", run=run.id)
        assert parameter(at, "view") == "seed" and named(charts(at)[0]) == ["this program's operators, one seed"]
        show(at, "budget")
        assert not at.exception and charts(at) == []
        show(at, "overlay")
        assert not at.exception and len(charts(at)) == 2
        assert "run" not in at.query_params and parameter(at, "runs") == studio.search.id
        show(at, "seed")
        assert len(charts(at)) == 1
        assert parameter(at, "run") == run.id and "runs" not in at.query_params

    def test_a_run_over_nothing_that_is_known_opens_too(self, studio: Studio, open_page: Open) -> None:
        config = SweepSettings.model_validate({"search": SMALL, "seeds": [4]})
        run = finish(launch(studio.store, "sweep", config.model_dump(mode="json"), name="damaged"))
        file = run.folder / "config.json"
        damaged = json.loads(file.read_text("utf-8"))
        damaged["config"]["over"] = {}
        file.write_text(json.dumps(damaged), "utf-8")
        at = open_page("sweeps", run=run.id)
        assert not at.exception and parameter(at, "view") == "seed"

    def test_a_cancelled_sweep_says_what_is_kept(self, studio: Studio, open_page: Open) -> None:
        config = SweepSettings.model_validate(
            {"search": {**SMALL, "population": 50, "generations": 10_000}, "seeds": [0, 1, 2]}
        )
        run = launch(studio.store, "sweep", config.model_dump(mode="json"), name="cut short")
        while not lines_of(run)[0]:
            time.sleep(0.05)
        at = open_page("sweeps", run=run.id)
        assert not at.exception and charts(at)[0]["layout"]["annotations"][0]["text"] == "Waiting for the first search"
        field(at.button, "Cancel").click().run()
        assert until_over(run).state is State.CANCELLED
        at.run()
        assert not at.exception
        assert "Cancelled: 0 of 3 searches and 1 of 1 optima are kept" in texts(at)


class TestBudgets:
    def test_from_one_click_to_the_curve(self, open_page: Open) -> None:
        at = open_page("sweeps", view="budget")
        field(at.number_input, "Generations").set_value(4).run()
        field(at.number_input, "Population").set_value(6).run()
        field(at.number_input, "Budgets").set_value(2).run()
        field(at.number_input, "To (MB)").set_value(4.0).run()
        at.pills[0].set_value([]).run()
        field(at.button, "Sweep over budgets").click().run()
        assert not at.exception
        (run,) = RunStore().list()
        config = SweepSettings.model_validate(run.config)
        assert config.budgets == tuple(sorted({1.0, 4.0, *PAPER_BUDGETS_MB})) and config.operators == ()
        finish(run)
        at.run()
        assert not at.exception
        curve, genes = charts(at)
        assert named(curve) == ["true optimum", "best of searches, this program's operators", "the paper's budgets"]
        assert len(genes["data"]) == 6
        assert [len(rows) for rows in tables(at)] == [1, 5, 5]

    def test_the_goal_of_the_page_search_counts(self, open_page: Open) -> None:
        at = open_page("sweeps", view="budget")
        field(at.radio, "Goal within the limits").set_value("size").run()
        field(at.number_input, "Least computation (GFLOPs)").set_value(1.5).run()
        field(at.number_input, "Budgets").set_value(2).run()
        field(at.number_input, "Searches").set_value(0).run()
        field(at.button, "Sweep over budgets").click().run()
        assert not at.exception
        (run,) = RunStore().list()
        assert (run.config["search"]["goal"], run.config["search"]["min_gflops"]) == ("size", 1.5)
        finish(run)
        at.run()
        assert not at.exception
        curve = charts(at)[0]
        assert curve["layout"]["yaxis"]["title"]["text"] == "Size (MB)"
        assert "1 MB: " in texts(at) and any("without a known optimum" in one.label for one in at.expander)

    def test_a_range_that_is_none_is_one_sentence(self, open_page: Open) -> None:
        at = open_page("sweeps", view="budget")
        field(at.number_input, "From (MB)").set_value(200.0).run()
        field(at.button, "Sweep over budgets").click().run()
        assert not at.exception
        assert "from 200 to 100 MB" in at.error[0].value
        assert RunStore().list() == []
