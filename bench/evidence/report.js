// Draws the charts from the data beside them, in the colours of the page; and opens everything for printing.
(function () {
  "use strict";
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  // The buttons are named one by one: the library's own set has one that sends the data away.
  var config = {
    responsive: true, displaylogo: false, showSendToCloud: false, plotlyServerURL: "", topojsonURL: "",
    modeBarButtons: [["toImage"], ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "resetScale2d"]]
  };

  function coloured(layout, isDark) {
    var ink = isDark ? "#cbd5e1" : "#334155";
    var grid = isDark ? "#2b3648" : "#e5e9f0";
    var change = { "font.color": ink, "hoverlabel.bgcolor": isDark ? "#1e293b" : "#ffffff" };
    change["font.family"] = getComputedStyle(document.body).fontFamily;
    Object.keys(layout).forEach(function (key) {
      if (/^[xy]axis\d*$/.test(key)) {
        change[key + ".gridcolor"] = grid;
        change[key + ".zerolinecolor"] = isDark ? "#475569" : "#cbd5e1";
        change[key + ".linecolor"] = grid;
        change[key + ".automargin"] = true;
      }
    });
    return change;
  }

  function apply(layout, change) {
    Object.keys(change).forEach(function (path) {
      var keys = path.split("."), at = layout;
      keys.slice(0, -1).forEach(function (key) { at = at[key] = at[key] || {}; });
      at[keys[keys.length - 1]] = change[path];
    });
    return layout;
  }

  var charts = [];
  document.querySelectorAll("script[data-chart]").forEach(function (data) {
    var place = document.getElementById(data.dataset.chart);
    if (!place || !window.Plotly) { return; }
    var figure = JSON.parse(data.textContent);
    place.dataset.height = figure.layout.height;
    window.Plotly.newPlot(place, figure.data, apply(figure.layout, coloured(figure.layout, dark.matches)), config);
    charts.push(place);
  });

  function recolour(isDark) {
    charts.forEach(function (place) { window.Plotly.relayout(place, coloured(place.layout, isDark)); });
  }
  dark.addEventListener("change", function (event) { recolour(event.matches); });

  function sized(place, isDark, share) {
    var height = Math.round(place.dataset.height * share), change = coloured(place.layout, isDark);
    place.style.height = height + "px";
    change.height = height;
    change.width = share < 1 ? 690 : null;
    change.autosize = share === 1;
    window.Plotly.relayout(place, change);
  }

  var folded = [];
  window.addEventListener("beforeprint", function () {
    folded = Array.prototype.slice.call(document.querySelectorAll("details:not([open])"));
    folded.forEach(function (part) { part.open = true; });
    charts.forEach(function (place) { sized(place, false, 0.74); });
  });
  window.addEventListener("afterprint", function () {
    folded.forEach(function (part) { part.open = false; });
    charts.forEach(function (place) { sized(place, dark.matches, 1); });
  });
})();
