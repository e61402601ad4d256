// Home: follows the servers. A new state makes the page fetch itself again; figures are put in place as they come.
"use strict";

(() => {
  const server = () => document.getElementById("server");
  const card = (name) => document.querySelector(`[data-server="${CSS.escape(name)}"]`);
  // The state that the page shows of a server; the default one has no name.
  const shown = (name = server().dataset.server) => card(name)?.querySelector("[data-state]")?.dataset.state;
  let events = null;
  let busy = false;
  let missed = false;

  async function update() {
    if (busy) {
      missed = true;
      return;
    }
    busy = true;
    try {
      const before = shown();
      const open = document.getElementById("server-log").open;
      await hubPage.refresh();
      if (open) document.getElementById("server-log").open = true;
      if (shown() !== before) hubPage.announce(document.getElementById("server-title").textContent);
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

  function show(news) {
    for (const { kind, text, part } of news.figures) {
      const figure = card(news.server)?.querySelector(`[data-figure="${CSS.escape(kind)}"]`);
      if (!figure) continue;
      figure.querySelector(".amount").textContent = text;
      const meter = figure.querySelector("meter");
      meter.hidden = part === null;
      meter.value = part ?? 0;
    }
  }

  function listen() {
    events = new EventSource(server().dataset.events);
    events.onopen = () => lost(false);
    events.onmessage = (event) => {
      const news = JSON.parse(event.data);
      if (news.figures) show(news);
      else if (news.state !== shown(news.server)) update();
    };
    // The browser connects again by itself unless the hub said no: then the page is asked, which leads to the login if need be.
    events.onerror = () => {
      if (events.readyState !== EventSource.CLOSED) return;
      lost(true);
      update();
    };
  }

  // The end of the log is fetched when somebody opens it: the hub's own page of it, of which the lines are taken.
  async function readLog(log) {
    const lines = log.querySelector(".lines");
    lines.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(log.dataset.log, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      lines.replaceChildren(...[page.getElementById("journal")].filter(Boolean));
      const journal = document.getElementById("journal");
      if (journal) journal.scrollTop = journal.scrollHeight;
    } catch {
      lost(true);
    }
    lines.removeAttribute("aria-busy");
  }
  document.addEventListener("toggle", (event) => {
    if (event.target.id === "server-log" && event.target.open) readLog(event.target);
  }, true);

  listen();
  window.addEventListener("pagehide", () => events.close());
  // Nobody looks at a hidden page: nothing is measured for it.
  document.addEventListener("visibilitychange", () => {
    events.close();
    if (document.hidden) return;
    listen();
    update();
  });
  // Back in the history: what happened meanwhile was missed.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    events.close();
    listen();
    update();
  });
})();
