// Elements of a page, and numbers as its axes show them.
"use strict";
const made = (parent, name, text, marks = {}) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  for (const key in marks) element.setAttribute(key, marks[key]);
  parent.append(element);
  return element;
};
const round = (value) => String(Number(value.toPrecision(3)));
const ticks = (low, high, count) => {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= rough);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  return found;
};
const decades = (low, high) => {
  const found = [];
  for (let k = Math.ceil(low - 1e-9); k <= high + 1e-9; k++) found.push(k);
  return found;
};
const raised = (k) => [...String(k)].map((c) => (c === "-" ? "\u207b" : "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"[c])).join("");
const plain = (k) => (k >= -3 && k < 5 ? String(Number((10 ** k).toPrecision(3))) : `10${raised(k)}`);
