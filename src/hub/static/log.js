// A log that goes on: the stream brings lines the hub has drawn, and the page keeps the newest of them.
"use strict";

(() => {
  const most = 1000;
  const journal = document.getElementById("journal");
  const none = document.getElementById("no-lines");
  const state = document.getElementById("live-state");
  const toggle = document.getElementById("live-switch");
  const span = document.getElementById("span");
  let events = null;

  // The two ends of a span only matter where they are asked for.
  const ends = () => { document.getElementById("ends").hidden = span.value !== "between"; };
  span.addEventListener("change", ends);
  ends();
  const foot = () => { journal.scrollTop = journal.scrollHeight; };
  foot();
  if (!journal.dataset.events) return;

  function add(lines) {
    const below = journal.scrollHeight - journal.scrollTop - journal.clientHeight < 40;
    const fresh = document.createDocumentFragment();
    for (const line of lines) {
      const element = document.createElement("span");
      element.className = line.tone;
      element.textContent = `${line.text}\n`;
      fresh.append(element);
    }
    journal.append(fresh);
    while (journal.childNodes.length > most) journal.firstChild.remove();
    journal.hidden = false;
    none.hidden = true;
    // Whoever reads further up is left there.
    if (below) foot();
  }

  function tell(what) {
    state.textContent = state.dataset[what];
  }

  function listen() {
    events = new EventSource(journal.dataset.events);
    events.onopen = () => tell("on");
    events.onmessage = (event) => {
      add(JSON.parse(event.data));
      // What is listened to again after a pause begins behind this line.
      const next = new URL(journal.dataset.events, location.href);
      next.searchParams.set("after", event.lastEventId);
      journal.dataset.events = next.pathname + next.search;
    };
    // The browser connects again by itself, behind the last line, unless the hub said no.
    events.onerror = () => { if (events.readyState === EventSource.CLOSED) tell("lost"); };
  }

  function pause() {
    events.close();
    events = null;
    tell("off");
  }

  toggle.addEventListener("click", () => {
    const on = toggle.getAttribute("aria-pressed") !== "true";
    toggle.setAttribute("aria-pressed", String(on));
    if (on) listen();
    else pause();
  });
  window.addEventListener("pagehide", () => { if (events) pause(); });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && toggle.getAttribute("aria-pressed") === "true") listen();
  });
  document.getElementById("live").hidden = false;
  listen();
})();
