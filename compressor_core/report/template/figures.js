// Draws each figure from the data block below it, in the colour of the page's text: light, dark or on paper.
"use strict";
const plots = [...document.querySelectorAll(".plot")];
const PAPER_WIDTH = 660; // of a page of A4, in CSS pixels within its margins

function ink() {
  return getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
}

for (const plot of plots) {
  const spec = JSON.parse(plot.parentElement.querySelector(".plot-data").textContent);
  const layout = { ...spec.layout, font: { ...spec.layout.font, color: ink() }, autosize: true };
  const config = { responsive: true, displaylogo: false, toImageButtonOptions: { scale: 2 } };
  Plotly.newPlot(plot, { data: spec.data, layout, frames: spec.frames, config });
}

function recolour() {
  for (const plot of plots) Plotly.relayout(plot, { "font.color": ink() });
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
addEventListener("beforeprint", () => {
  for (const plot of plots) {
    const width = plot.closest(".pair") ? PAPER_WIDTH / 2 - 12 : PAPER_WIDTH;
    Plotly.relayout(plot, { width, "font.color": "#1d2733" });
  }
});
addEventListener("afterprint", () => {
  for (const plot of plots) Plotly.relayout(plot, { width: null, autosize: true, "font.color": ink() });
});
