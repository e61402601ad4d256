// The administration's lists: figures are put in place as they come; a server with a new state makes its person's rows
// be fetched again. What is typed into the forms of the page stays.
"use strict";

(() => {
  const list = () => document.querySelector("[data-live]");
  const row = (name) => document.querySelector(`tr[data-server="${CSS.escape(name)}"]`);
  let events = null;
  let opened = false;
  let busy = false;
  let missed = false;
  // What is told of idle servers, by their paths.
  const idle = new Map();

  // What has the focus, so that it has it again in the fresh rows.
  function name(element) {
    for (const attribute of ["href", "formaction"]) {
      const value = element?.getAttribute(attribute);
      if (value) return `[${attribute}="${CSS.escape(value)}"]`;
    }
    return null;
  }

  async function update() {
    if (busy) {
      missed = true;
      return;
    }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const ours of list().querySelectorAll("tbody[data-person]")) {
        const theirs = fresh.querySelector(`tbody[data-person="${CSS.escape(ours.dataset.person)}"]`);
        if (!theirs) {
          // Fits what was searched for no longer.
          ours.remove();
          continue;
        }
        const focused = ours.contains(document.activeElement) ? name(document.activeElement) : null;
        ours.replaceChildren(...theirs.childNodes);
        if (focused) (ours.querySelector(focused) || ours.querySelector("a, button"))?.focus({ preventScroll: true });
      }
      for (const server of idle.keys()) showIdle(server);
      hubPage.showTimes();
    } catch {
      lost(true);
    }
    busy = false;
    if (missed) {
      missed = false;
      await update();
    }
  }

  function lost(yes) {
    document.getElementById("connection-lost").hidden = !yes;
  }

  // In few words below the state; the list as it was sent has none, and so have rows that were fetched again.
  function showIdle(server) {
    const ours = row(server);
    let place = ours?.querySelector(".idle");
    if (!ours || (!place && !idle.get(server))) return;
    if (!place) {
      place = document.createElement("p");
      place.className = "small idle";
      ours.querySelector(".pill").parentElement.append(place);
    }
    place.textContent = idle.get(server) ?? "";
  }

  function show({ server, state, uses, idle: said }) {
    const ours = row(server);
    if (!ours) return false;
    idle.set(server, said);
    showIdle(server);
    const cell = ours.querySelector(".uses");
    if (cell) {
      const [memory, rest] = cell.children;
      memory.textContent = uses?.memory ?? "";
      rest.textContent = uses?.rest ?? "";
    }
    return ours.querySelector(".pill").dataset.tone !== state;
  }

  function showMachine(machine) {
    for (const { kind, text, part } of machine.figures) {
      const figure = document.querySelector(`#machine [data-figure="${CSS.escape(kind)}"]`);
      figure.querySelector(".amount").textContent = text;
      const meter = figure.querySelector("meter");
      meter.hidden = part === null;
      meter.value = part ?? 0;
    }
    const short = document.getElementById("memory-short");
    short.hidden = machine.short === null;
    short.textContent = machine.short ?? "";
    for (const { state, count } of machine.servers) {
      const shown = document.querySelector(`#machine [data-count="${CSS.escape(state)}"]`);
      shown.querySelector(".count").textContent = count;
      shown.hidden = count === 0;
    }
  }

  function listen() {
    events = new EventSource(list().dataset.live);
    events.onopen = () => {
      lost(false);
      // What happened while the connection was away was missed.
      if (opened) update();
      opened = true;
    };
    events.onmessage = (event) => {
      const news = JSON.parse(event.data);
      if (news.rows.map(show).some((changed) => changed)) update();
      if (news.machine) showMachine(news.machine);
    };
    events.onerror = () => { if (events.readyState === EventSource.CLOSED) lost(true); };
  }

  // A class of new accounts takes a while, and the hub answers when all are there.
  function showAdding(adding) {
    const line = document.getElementById("adding");
    if (!line) return;
    const names = document.getElementById("names").value.split(/[\s,;，；、]+/).filter(Boolean);
    line.textContent = adding ? line.dataset.said.replace("{count}", new Set(names).size) : "";
  }

  document.getElementById("add")?.addEventListener("submit", () => showAdding(true));
  window.addEventListener("pageshow", () => showAdding(false));

  if (!list()) return;
  listen();
  window.addEventListener("pagehide", () => events.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
})();
