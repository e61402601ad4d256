// Home: follows the states of the servers. An event with news makes the page fetch itself again.
"use strict";

(() => {
  const server = () => document.getElementById("server");
  // The state that the page shows of a server; the default one has no name.
  const shown = (name = server().dataset.server) =>
    document.querySelector(`[data-server="${CSS.escape(name)}"] [data-state]`)?.dataset.state;
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
      await hubPage.refresh();
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

  function listen() {
    const events = new EventSource(server().dataset.events);
    events.onopen = () => lost(false);
    events.onmessage = (event) => {
      const news = JSON.parse(event.data);
      if (news.state !== shown(news.server)) update();
    };
    // The browser connects again by itself unless the hub said no: then the page is asked, which leads to the login if need be.
    events.onerror = () => {
      if (events.readyState !== EventSource.CLOSED) return;
      lost(true);
      update();
    };
    window.addEventListener("pagehide", () => events.close(), { once: true });
  }

  listen();
  // Back in the history: what happened meanwhile was missed.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    listen();
    update();
  });
})();
