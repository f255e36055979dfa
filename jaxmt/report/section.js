// Draws a section from the numbers of the page, and answers the mouse.
// Lengths are km, resistivities log10 of ohm m; whole numbers become such by the divisors in `given`.
"use strict";
(() => {
  const figure = document.querySelector("figure.section");
  const numbers = document.getElementById("numbers");
  if (!figure || !numbers) return;
  const given = JSON.parse(numbers.textContent);
  const LEFT = 58, RIGHT = 84, TOP = 24, BOTTOM = 42, NEAR = 9, STEP = 1.5;
  const live = figure.querySelector(".live");
  const { stations, sections } = given;
  const reach = sections.map((s) => [s.y[0], s.y[s.y.length - 1], Math.min(0, given.top), s.z[s.z.length - 1]]);
  const whole = [given.window[0], given.window[1], given.top, given.depth];
  let view = whole.slice(), shown = 0, chosen = -1, drag = null;

  const tools = made(live, "div", "", { class: "tools" });
  const flips = sections.map((s, k) => {
    if (sections.length < 2) return null;
    const button = made(tools, "button", s.label, { type: "button" });
    button.onclick = () => { shown = k; render(); };
    return button;
  });
  for (const [label, act] of [
    ["+", () => zoom(STEP)], ["\u2212", () => zoom(1 / STEP)], ["Whole section", () => { view = whole.slice(); render(); }],
  ]) made(tools, "button", label, { type: "button" }).onclick = act;
  const menu = made(tools, "select", undefined, { "aria-label": "Station" });
  made(menu, "option", "Curves of a station", { value: -1 });
  stations.forEach((s, k) => made(menu, "option", s.name, { value: k }));
  menu.onchange = () => { chosen = Number(menu.value); render(); };
  const canvas = made(live, "canvas", undefined, { tabindex: 0, role: "img", "aria-label": "Resistivity section" });
  const readout = made(live, "p", given.hint, { class: "readout", "aria-live": "polite" });
  const curves = made(live, "div", undefined, { class: "curves" });
  const pen = canvas.getContext("2d");
  let width = 0, height = 0;

  const x = (y) => LEFT + ((y - view[0]) / (view[1] - view[0])) * (width - LEFT - RIGHT);
  const down = (z) => TOP + ((z - view[2]) / (view[3] - view[2])) * (height - TOP - BOTTOM);
  const along = (px) => view[0] + ((px - LEFT) / (width - LEFT - RIGHT)) * (view[1] - view[0]);
  const depth = (py) => view[2] + ((py - TOP) / (height - TOP - BOTTOM)) * (view[3] - view[2]);
  const within = (px, py) => px >= LEFT && px <= width - RIGHT && py >= TOP && py <= height - BOTTOM;

  // The last edge at or before a value; -1 before all, or beyond the last.
  const cell = (edges, value) => {
    if (!(value >= edges[0] && value < edges[edges.length - 1])) return -1;
    let low = 0, high = edges.length - 1;
    while (high - low > 1) { const middle = (low + high) >> 1; if (edges[middle] <= value) low = middle; else high = middle; }
    return low;
  };
  const ground = (s, y) => {
    const k = cell(s.y, y);
    if (!s.surface || k < 0) return 0;
    return s.surface[k] + ((y - s.y[k]) / (s.y[k + 1] - s.y[k])) * (s.surface[k + 1] - s.surface[k]);
  };
  const shades = given.colours.map((c) => [1, 3, 5].map((at) => parseInt(c.slice(at, at + 2), 16)));
  const colour = (s, k) => {
    if (s.rho[k] === null) return given.absent;
    const part = (s.rho[k] / given.rho_unit - given.limits[0]) / (given.limits[1] - given.limits[0]);
    const shade = shades[Math.max(0, Math.min(shades.length - 1, Math.floor(part * shades.length)))];
    const trust = s.trust ? s.trust[k] / 100 : 1;
    return `rgb(${shade.map((v) => Math.round(255 + trust * (v - 255))).join(",")})`;
  };

  function sized() {
    width = Math.max(320, live.clientWidth);
    height = Math.round(Math.max(260, Math.min(520, 0.45 * width)));
    const ratio = window.devicePixelRatio || 1;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    return ratio;
  }

  function render() {
    const ratio = sized(), s = sections[shown];
    flips.forEach((button, k) => button && button.setAttribute("aria-pressed", String(k === shown)));
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.save();
    pen.beginPath();
    pen.rect(LEFT * ratio, TOP * ratio, (width - LEFT - RIGHT) * ratio, (height - TOP - BOTTOM) * ratio);
    pen.clip();
    // Edges on whole pixels of the device: neither seams nor blur at any zoom.
    const columns = s.y.map((y) => Math.round(x(y) * ratio)), rows = s.z.map((z) => Math.round(down(z) * ratio));
    for (let i = 0; i + 1 < rows.length; i++) {
      if (s.z[i + 1] < view[2] || s.z[i] > view[3]) continue;
      for (let j = 0; j + 1 < columns.length; j++) {
        if (s.y[j + 1] < view[0] || s.y[j] > view[1]) continue;
        pen.fillStyle = colour(s, i * (columns.length - 1) + j);
        pen.fillRect(columns[j], rows[i], columns[j + 1] - columns[j], rows[i + 1] - rows[i]);
      }
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (s.surface) {
      pen.beginPath();
      s.y.forEach((y, k) => pen.lineTo(x(y), down(s.surface[k])));
      pen.strokeStyle = "black";
      pen.stroke();
      pen.lineTo(x(s.y[s.y.length - 1]), TOP - 1);
      pen.lineTo(x(s.y[0]), TOP - 1);
      pen.fillStyle = "white";
      pen.fill();
    }
    if (s.reach) {
      pen.beginPath();
      s.reach.forEach((z, k) => { pen.lineTo(x(s.y[k]), down(z)); pen.lineTo(x(s.y[k + 1]), down(z)); });
      pen.setLineDash([5, 4]);
      pen.strokeStyle = "#333";
      pen.stroke();
      pen.setLineDash([]);
    }
    pen.restore();
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    axes();
    bar();
    marks();
    live.dataset.shown = s.label;
    live.dataset.view = view.map((v) => v.toPrecision(6)).join(" ");
    soundings(curves, given, shown, chosen);
  }

  function axes() {
    const bottom = height - BOTTOM, right = width - RIGHT;
    pen.font = "12px Helvetica, Arial, sans-serif";
    pen.fillStyle = pen.strokeStyle = "black";
    pen.lineWidth = 1;
    pen.strokeRect(LEFT, TOP, right - LEFT, bottom - TOP);
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (const value of ticks(view[0], view[1], 7)) {
      pen.fillRect(x(value), bottom, 1, 4);
      pen.fillText(round(value), x(value), bottom + 7);
    }
    pen.fillText("Distance (km)", (LEFT + right) / 2, height - 15);
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const value of ticks(view[2], view[3], 5)) {
      pen.fillRect(LEFT - 4, down(value), 4, 1);
      pen.fillText(round(value), LEFT - 7, down(value));
    }
    pen.save();
    pen.translate(13, (TOP + bottom) / 2);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "center";
    pen.fillText("Depth (km)", 0, 0);
    pen.restore();
    const tall = ((bottom - TOP) / (view[3] - view[2])) / ((right - LEFT) / (view[1] - view[0]));
    pen.font = "11px Helvetica, Arial, sans-serif";
    pen.fillText(`Vertical exaggeration ${round(tall)}`, right, height - 9);
  }

  function bar() {
    const left = width - RIGHT + 14, bottom = height - BOTTOM, count = shades.length;
    const [low, high] = given.limits, at = (v) => bottom - ((v - low) / (high - low)) * (bottom - TOP);
    given.colours.forEach((c, k) => {
      pen.fillStyle = c;
      const upper = at(low + ((k + 1) / count) * (high - low));
      pen.fillRect(left, upper, 12, at(low + (k / count) * (high - low)) - upper + 0.5);
    });
    pen.fillStyle = "black";
    pen.font = "11px Helvetica, Arial, sans-serif";
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    for (const k of decades(low, high)) pen.fillText(plain(k), left + 16, at(k));
    pen.textBaseline = "top";
    pen.fillText("\u03a9 m", left, 4);
  }

  function marks() {
    stations.forEach((s, k) => {
      const px = x(s.y), py = Math.max(TOP, down(s.z));
      if (px < LEFT - 1 || px > width - RIGHT + 1 || py > height - BOTTOM) return;
      pen.beginPath();
      pen.moveTo(px, py);
      pen.lineTo(px - 5, py - 9);
      pen.lineTo(px + 5, py - 9);
      pen.fillStyle = k === chosen ? "#CC3311" : "black";
      pen.fill();
    });
  }

  function near(px, py) {
    let best = -1, least = NEAR;
    stations.forEach((s, k) => {
      const off = Math.abs(px - x(s.y)), up = Math.max(TOP, down(s.z)) - py;
      if (off < least && up >= -4 && up <= 14) { best = k; least = off; }
    });
    return best;
  }

  function told(px, py) {
    const station = near(px, py), s = sections[shown];
    if (station >= 0) return `Station ${stations[station].name}: click for its curves`;
    if (!within(px, py)) return given.hint;
    const y = along(px), z = depth(py), j = cell(s.y, y), i = cell(s.z, z);
    const place = `y ${round(y)} km, depth ${round(z)} km: `;
    if (z < ground(s, y)) return `${place}air`;
    if (i < 0 || j < 0) return `${place}outside of the section`;
    const k = i * (s.y.length - 1) + j;
    if (s.rho[k] === null) return `${place}no value`;
    const decade = s.deviation && s.deviation[k] !== null ? s.deviation[k] / given.deviation_unit : null;
    const sure = decade === null
      ? "uncertainty unknown"
      : `times or divided by ${round(10 ** decade)} (${round(decade)} decades, one standard deviation)`;
    const poor = !s.trust || s.trust[k] >= 100 ? "" : s.trust[k] > 0 ? "; the data see it poorly" : "; the data do not see it";
    return `${place}${round(10 ** (s.rho[k] / given.rho_unit))} \u03a9 m, ${sure}${poor}`;
  }

  function fitted(limits) {
    // A window is moved, and shrunk if it must be, into what there is.
    const [y0, y1, z0, z1] = reach[shown];
    const fit = (low, high, least, most) => {
      const size = Math.min(high - low, most - least), start = Math.max(least, Math.min(low, most - size));
      return [start, start + size];
    };
    view = [...fit(limits[0], limits[1], y0, y1), ...fit(limits[2], limits[3], z0, z1)];
    render();
  }

  function zoom(factor, px = (LEFT + width - RIGHT) / 2, py = (TOP + height - BOTTOM) / 2) {
    if (factor > 1 && view[1] - view[0] < 1e-3 * (whole[1] - whole[0])) return;
    const y = along(px), z = depth(py);
    fitted([y + (view[0] - y) / factor, y + (view[1] - y) / factor, z + (view[2] - z) / factor, z + (view[3] - z) / factor]);
  }

  function pan(dx, dy) {
    const y = (dx / (width - LEFT - RIGHT)) * (view[1] - view[0]), z = (dy / (height - TOP - BOTTOM)) * (view[3] - view[2]);
    fitted([view[0] - y, view[1] - y, view[2] - z, view[3] - z]);
  }

  const at = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  canvas.addEventListener("pointerdown", (event) => {
    drag = { from: at(event), moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const here = at(event);
    if (drag) {
      const dx = here[0] - drag.from[0], dy = here[1] - drag.from[1];
      if (drag.moved || Math.hypot(dx, dy) > 4) { pan(dx, dy); drag = { from: here, moved: true }; }
    }
    readout.textContent = told(...here);
  });
  canvas.addEventListener("pointerup", (event) => {
    const station = drag && !drag.moved ? near(...at(event)) : -1;
    drag = null;
    if (station >= 0) { chosen = station; menu.value = String(station); render(); }
  });
  canvas.addEventListener("pointercancel", () => { drag = null; });
  canvas.addEventListener("pointerleave", () => { if (!drag) readout.textContent = given.hint; });
  canvas.addEventListener("dblclick", (event) => { if (within(...at(event))) zoom(2, ...at(event)); });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? STEP : 1 / STEP, ...at(event));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const keys = {
      ArrowLeft: () => pan(40, 0), ArrowRight: () => pan(-40, 0), ArrowUp: () => pan(0, 40), ArrowDown: () => pan(0, -40),
      "+": () => zoom(STEP), "-": () => zoom(1 / STEP), 0: () => { view = whole.slice(); render(); },
    };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });

  live.hidden = false;
  figure.classList.add("drawn");
  render();
  window.addEventListener("resize", render);
})();
