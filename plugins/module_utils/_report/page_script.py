# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page's script: it searches, sorts and turns the pages of the table of all apps.

It writes texts as text only, never as markup, and asks nothing of the network.
"""

from __future__ import annotations

SCRIPT = r"""
(() => {
"use strict";
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const PRINTED = 2000;
const LABELS = ["App", "Result", "Cause", "Environment", "Tracker", "Tracker status", "Key", "Key ID"];
const text = (place) => data.texts[place];
const apps = data.rows.map((row) => {
  const [bundleId, name, kind, cause, environment, tracker, status, keyName, keyId] = row;
  const others = [cause, environment, tracker, status, keyName, keyId].map(text);
  const cells = [bundleId, kind, ...others];
  const label = data.kinds[kind][1];
  const haystack = [name, label, bundleId, ...others].join("\n").toLowerCase();
  return {row, cells, kind: data.kinds[kind][0], haystack};
});
const state = {column: 1, descending: false, page: 0, size: 50, kind: "", words: [], found: apps};

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// A long word may be broken: after punctuation, else every 14 characters.
const PIECE = /[^._\/@:-]{0,14}[._\/@:-]{1,14}|[^._\/@:-]{1,14}/gu;
function soft(value) {
  return value.split(/(\S{21,})/u).flatMap((part, place) => place % 2 === 0 ? [part]
    : part.match(PIECE).flatMap((piece, number) => number ? [document.createElement("wbr"), piece] : [piece]));
}

function badge(kind) {
  const [name, label, sign] = data.kinds[kind];
  return element("span", {class: "badge " + name}, element("span", {"aria-hidden": "true"}, sign), " " + label);
}

function detail(app) {
  const [issuer, fingerprint, hint, checked, request, answer, problems, differences, contrasts] = app.row.slice(9);
  const list = element("dl", {class: "detail"});
  const add = (label, value) => { if (value) list.append(element("dt", {}, label), element("dd", {}, value)); };
  for (const [kind, cause, reason, isWaived] of problems)
    add(data.kinds[kind][1] + (isWaived ? " (waived)" : ""), text(cause) + ": " + text(reason));
  if (!problems.length) add("Check", text(hint));
  for (const [field, before, after] of differences)
    add(text(field), (before || "none") + " \u2192 " + (after || "none"));
  for (const [field, declared, held] of contrasts)
    add(text(field), `declared ${text(declared)}, held ${text(held)}`);
  add("Issuer ID", text(issuer));
  add("Fingerprint", text(fingerprint));
  add("Answer", answer);
  add("Checked", checked.replace("T", " ").replace("Z", " UTC"));
  add("Request ID", request);
  return list;
}

function appCell(app) {
  const summary = element("summary", {}, element("code", {}, element("bdi", {}, ...soft(app.cells[0]))));
  const box = element("details", {}, summary);
  box.addEventListener("toggle", () => { if (box.open && box.children.length < 2) box.append(detail(app)); });
  const cell = element("th", {role: "rowheader", scope: "row", class: "wide"}, box);
  if (app.row[1]) cell.append(element("span", {class: "name"}, element("bdi", {}, ...soft(app.row[1]))));
  return cell;
}

function line(app) {
  const row = element("tr", {role: "row"}, appCell(app));
  for (let place = 1; place < LABELS.length; place++) {
    const value = app.cells[place];
    const font = place === 2 || place === 7 ? "code" : "span";
    const shown = place === 1 ? badge(value) : element(font, {}, ...soft(value));
    const css = value === "" ? "empty" : "full";
    row.append(element("td", {role: "cell", "data-label": LABELS[place], class: css}, shown));
  }
  return row;
}

function draw(limit) {
  const start = limit ? 0 : state.page * state.size;
  const shown = state.found.slice(start, start + (limit || state.size));
  byId("rows").replaceChildren(...shown.map(line));
  const count = `${state.found.length.toLocaleString("en")} ${data.noun}${state.found.length === 1 ? "" : "s"}`;
  byId("shown").textContent = shown.length
    ? `${(start + 1).toLocaleString("en")}\u2013${(start + shown.length).toLocaleString("en")} of ${count}`
    : `No ${data.noun} matches.`;
  const pages = Math.max(1, Math.ceil(state.found.length / state.size));
  byId("page").textContent = `Page ${state.page + 1} of ${pages}`;
  byId("previous").disabled = state.page === 0;
  byId("next").disabled = state.page >= pages - 1;
  document.querySelector(".pages").hidden = pages === 1;
}

const compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

function order(one, other) {
  const column = state.column;
  const [left, right] = [one.cells[column], other.cells[column]];
  // What is empty comes last, whichever way the column is sorted.
  if ((left === "") !== (right === "")) return left === "" ? 1 : -1;
  const found = compare(left, right);
  return (state.descending ? -found : found) || compare(one.cells[0], other.cells[0]);
}

function update() {
  state.found = apps
    .filter((app) => !state.kind || app.kind === state.kind)
    .filter((app) => state.words.every((word) => app.haystack.includes(word)))
    .sort(order);
  state.page = 0;
  draw();
}

function sort(column, descending) {
  state.column = column;
  state.descending = descending;
  document.querySelectorAll("#table thead th").forEach((head, place) => {
    head.setAttribute("aria-sort", place !== column ? "none" : descending ? "descending" : "ascending");
  });
  byId("sort").value = String(column);
  update();
}

function turn(step) {
  state.page += step;
  draw();
  byId("shown").scrollIntoView({block: "nearest"});
}

document.querySelector("#table thead").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const column = Number(button.dataset.column);
  sort(column, column === state.column && !state.descending);
});
byId("sort").addEventListener("change", (event) => sort(Number(event.target.value), false));
byId("size").addEventListener("change", (event) => {
  state.size = Number(event.target.value);
  state.page = 0;
  draw();
});
byId("search").addEventListener("input", (event) => {
  state.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  update();
});
document.querySelector(".chips").addEventListener("change", (event) => { state.kind = event.target.value; update(); });
document.querySelectorAll("a.card").forEach((card) => card.addEventListener("click", () => {
  const chip = document.querySelector(`.chips input[value="${card.dataset.kind}"]`);
  chip.checked = true;
  state.kind = chip.value;
  update();
}));
byId("previous").addEventListener("click", () => turn(-1));
byId("next").addEventListener("click", () => turn(1));
window.addEventListener("beforeprint", () => draw(PRINTED));
window.addEventListener("afterprint", () => draw());
// On a phone a row is a card; fifty of them are a long way to what follows.
if (window.matchMedia("(max-width: 760px)").matches) byId("size").value = "20";
state.size = Number(byId("size").value);
byId("browser").hidden = false;
sort(1, false);
})();
"""
