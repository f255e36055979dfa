// The curves of a station: what was observed, with its errors, and what a section predicts.
"use strict";
const drawn = (parent, name, marks, text) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in marks) element.setAttribute(key, marks[key]);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
};

// `curves`: where they go, emptied first. `given`: the numbers of the page. `shown`, `chosen`: the section and
// the station, by number; -1 for none.
const soundings = (curves, given, shown, chosen) => {
  const { stations, periods, sections } = given;
  curves.replaceChildren();
  if (chosen < 0) return;
  const fits = sections[shown].nrms, fit = fits[chosen];
  made(curves, "h3", `${stations[chosen].name}: ${fit === null ? "no data" : `nRMS ${round(fit)}`} by ${sections[shown].label}`);
  const key = made(curves, "p", undefined, { class: "marks" });
  for (const mode of given.modes) {
    made(key, "span", `${mode.label}  `, { style: `color: ${mode.colour}` });
  }
  made(key, "span", "with one standard deviation; lines: predicted");
  for (const part of given.panels) panel(part);

  function panel(part) {
    const W = 460, H = 300, L = 58, R = 12, T = 10, B = 40;
    const rows = part.rows.map((row) => ({
      mode: given.modes[row.mode],
      value: given.values[row.name][chosen],
      error: given.errors[row.name][chosen],
      predicted: sections[shown].predicted[row.name][chosen],
    }));
    const all = part.always.slice();
    for (const row of rows) {
      row.value.forEach((v, k) => {
        if (v !== null) all.push((v - row.error[k]) / part.unit, (v + row.error[k]) / part.unit);
        if (row.predicted[k] !== null && v !== null) all.push(row.predicted[k] / part.unit);
      });
    }
    if (!all.length) return;
    let low = Math.min(...all), high = Math.max(...all);
    if (part.decades) { low = Math.floor(low * 2) / 2; high = Math.max(Math.ceil(high * 2) / 2, low + 1); }
    else if (high - low < 1e-9) { low -= 1; high += 1; }
    const logs = periods.map(Math.log10), first = Math.min(...logs) - 0.15, last = Math.max(...logs) + 0.15;
    const px = (p) => L + ((p - first) / (last - first)) * (W - L - R);
    const py = (v) => H - B - ((v - low) / (high - low)) * (H - T - B);
    const svg = drawn(curves, "svg", { viewBox: `0 0 ${W} ${H}`, "font-family": "Helvetica, Arial, sans-serif", "font-size": 12, role: "img" });
    drawn(svg, "title", {}, part.label);
    drawn(svg, "rect", { x: L, y: T, width: W - L - R, height: H - T - B, fill: "none", stroke: "black" });
    const many = Math.max(1, Math.ceil((last - first) / 6));
    for (const k of decades(first, last)) {
      drawn(svg, "line", { x1: px(k), x2: px(k), y1: T, y2: H - B, stroke: "#ddd" });
      if (k % many === 0) drawn(svg, "text", { x: px(k), y: H - B + 16, "text-anchor": "middle" }, plain(k));
    }
    for (const v of part.decades ? decades(low, high) : ticks(low, high, 5)) {
      drawn(svg, "line", { x1: L, x2: W - R, y1: py(v), y2: py(v), stroke: "#ddd" });
      drawn(svg, "text", { x: L - 5, y: py(v) + 4, "text-anchor": "end" }, part.decades ? plain(v) : round(v));
    }
    drawn(svg, "text", { x: (L + W - R) / 2, y: H - 5, "text-anchor": "middle" }, "Period (s)");
    drawn(svg, "text", { x: 0, y: 0, "text-anchor": "middle", transform: `translate(13 ${(T + H - B) / 2}) rotate(-90)` }, part.label);
    const order = logs.map((_, k) => k).sort((a, b) => logs[a] - logs[b]);
    for (const row of rows) {
      const seen = order.filter((k) => row.predicted[k] !== null && row.value.some((v) => v !== null));
      const points = seen.map((k) => `${px(logs[k]).toFixed(1)},${Math.max(T, Math.min(H - B, py(row.predicted[k] / part.unit))).toFixed(1)}`);
      if (points.length) drawn(svg, "polyline", { points: points.join(" "), fill: "none", stroke: row.mode.colour, "stroke-width": 1.6, "stroke-dasharray": row.mode.dash, class: "predicted" });
      row.value.forEach((v, k) => {
        if (v === null) return;
        const here = px(logs[k]), value = v / part.unit, error = row.error[k] / part.unit;
        const bar = drawn(svg, "line", { x1: here, x2: here, y1: py(value - error), y2: py(value + error), stroke: row.mode.colour, class: "error" });
        drawn(bar, "title", {}, `${round(10 ** logs[k])} s: ${round(part.decades ? 10 ** value : value)}`);
        drawn(svg, "circle", { cx: here, cy: py(value), r: 2.8, fill: "white", stroke: row.mode.colour, class: "observed" });
      });
    }
  }
};
