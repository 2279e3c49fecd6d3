"use strict";
(() => {
  // Without this script every event is listed; with it, those alone that fit.
  const form = document.getElementById("filter");
  const query = document.getElementById("query");
  const choices = [...form.querySelectorAll("select")];
  const events = [...document.querySelectorAll(".event")];
  const sources = [...document.querySelectorAll(".source")];

  const fits = (event, words, chosen) =>
    words.every((word) => event.dataset.text.includes(word)) &&
    chosen.every(([name, value]) =>
      name === "target" ? JSON.parse(event.dataset.target).includes(value) : event.dataset[name] === value);

  const update = () => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = choices.filter((item) => item.value).map((item) => [item.dataset.filter, item.value]);
    let shown = 0;
    for (const event of events) {
      event.hidden = !fits(event, words, chosen);
      shown += event.hidden ? 0 : 1;
    }
    for (const source of sources) source.hidden = !source.querySelector(".event:not([hidden])");
    document.getElementById("nothing").hidden = shown > 0 || events.length === 0;
    document.getElementById("count").textContent = `${shown} of ${events.length}`;
    const state = new URLSearchParams([...(query.value ? [["q", query.value]] : []), ...chosen]).toString();
    history.replaceState(null, "", state ? `#${state}` : location.pathname);
  };

  const restore = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    query.value = state.get("q") ?? "";
    for (const item of choices) {
      const value = state.get(item.dataset.filter) ?? "";
      item.value = [...item.options].some((option) => option.value === value) ? value : "";
    }
    update();
  };

  form.hidden = false;
  form.addEventListener("input", update);
  form.addEventListener("submit", (submitted) => submitted.preventDefault());
  window.addEventListener("hashchange", restore);
  if (location.hash) restore();
  else update();
})();
