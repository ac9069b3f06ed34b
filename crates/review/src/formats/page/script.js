"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const search = byId("search"), shown = byId("shown"), noise = byId("noise");
  const kinds = all("input[name=kind]");
  const items = all("[data-kind]").map((element) => ({ element, kind: element.dataset.kind, text: null, visible: true }));
  const sections = all("[data-section]").map((element) => ({ element, items: items.filter((item) => element.contains(item.element)) }));
  // Dangers are all there; of the rest so many at once, for the browser's sake.
  const STEP = 400;
  let limit = STEP;
  const more = byId("more");
  const textOf = (item) => item.text ?? (item.text = item.element.textContent.toLowerCase());

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(kinds.filter((box) => box.checked).map((box) => box.value));
    let count = 0, entries = 0;
    for (const item of items) {
      const fits = (wanted.has(item.kind) || item.kind === "noise" && noise.checked) && words.every((word) => textOf(item).includes(word));
      const entry = item.kind !== "danger" && item.kind !== "note";
      entries += fits && entry ? 1 : 0;
      const visible = fits && (!entry || entries <= limit);
      if (visible !== item.visible) {
        item.visible = visible;
        item.element.hidden = !visible;
      }
      count += fits ? 1 : 0;
    }
    for (const section of sections) {
      const empty = section.items.length > 0 && !section.items.some((item) => item.visible);
      if (section.element.hidden !== empty) section.element.hidden = empty;
    }
    more.hidden = entries <= limit;
    more.textContent = `Show more: ${entries - limit} are not shown`;
    shown.textContent = `${count} of ${items.length}`;
  }
  more.addEventListener("click", () => { limit += STEP; filter(); });
  // Texts are read when there is time, so that the first search finds them.
  (function read(from) {
    for (const item of items.slice(from, from + 200)) textOf(item);
    if (from < items.length) setTimeout(read, 0, from + 200);
  })(0);

  let waiting = 0;
  search.addEventListener("input", () => { limit = STEP; cancelAnimationFrame(waiting); waiting = requestAnimationFrame(filter); });
  for (const box of [...kinds, noise]) box.addEventListener("change", filter);

  const visible = () => items.filter((item) => item.visible && item.element.tagName === "DETAILS").map((item) => item.element);
  const open = (state) => { for (const element of visible()) element.open = state; };
  byId("open").addEventListener("click", () => open(true));
  byId("close").addEventListener("click", () => open(false));
  byId("theme").addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
  });

  function step(by) {
    const elements = visible();
    const at = elements.findIndex((element) => element.contains(document.activeElement));
    const next = elements[at < 0 ? (by > 0 ? 0 : elements.length - 1) : at + by];
    if (next) { const summary = next.querySelector("summary"); summary.focus(); summary.scrollIntoView({ block: "center" }); }
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === search) {
      if (event.key === "Escape") { search.value = ""; filter(); search.blur(); }
      return;
    }
    const keys = { "/": () => search.focus(), j: () => step(1), k: () => step(-1), o: () => open(true), c: () => open(false) };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  filter();
})();
