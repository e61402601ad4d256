// Progress of a start: the stream of events moves the bar; at its end the server opens, or the hub's page says why not.
// A start that takes longer than a moment shows what its unit writes.
"use strict";

(() => {
  const page = document.getElementById("spawn");
  const bar = document.getElementById("progress");
  const step = document.getElementById("progress-step");
  const log = document.getElementById("progress-log");
  const events = new EventSource(page.dataset.progress);
  const journal = document.getElementById("journal");
  // A start that is over by then needs no log.
  const patience = 1000;
  const most = 200;
  const waiting = setTimeout(follow, patience);
  let lines = null;

  function sentence(event) {
    const known = event.stage && document.querySelector(`#stages [data-stage="${CSS.escape(event.stage)}"]`);
    return known ? known.textContent : event.message || "";
  }

  function show(event) {
    const value = Math.max(bar.value, Math.min(100, event.progress || 0));
    bar.value = value;
    bar.setAttribute("aria-valuenow", String(value));
    const text = sentence(event);
    if (!text || [...log.children].some((line) => line.textContent === text)) return;
    step.textContent = text;
    log.append(Object.assign(document.createElement("li"), { textContent: text }));
  }

  function follow() {
    lines = new EventSource(journal.dataset.events);
    lines.onmessage = (message) => {
      const below = journal.scrollHeight - journal.scrollTop - journal.clientHeight < 40;
      for (const line of JSON.parse(message.data)) {
        journal.append(Object.assign(document.createElement("span"), { className: line.tone, textContent: `${line.text}\n` }));
      }
      while (journal.childNodes.length > most) journal.firstChild.remove();
      journal.hidden = false;
      // Whoever reads further up is left there.
      if (below) journal.scrollTop = journal.scrollHeight;
    };
  }

  function close() {
    clearTimeout(waiting);
    if (lines) lines.close();
    events.close();
  }

  // The hub's own page of this start: the failure with the journal, or wherever it leads.
  async function ask(otherwise) {
    close();
    try {
      await hubPage.refresh();
      const error = document.getElementById("spawn-error");
      if (error) document.getElementById("title").focus();
      else step.textContent = otherwise;
    } catch {
      step.textContent = otherwise;
    }
  }

  events.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (event.failed) {
      ask(event.message);
      return;
    }
    show(event);
    if (event.ready) {
      close();
      location.replace(page.dataset.next || event.url || page.dataset.url);
    }
  };
  events.onerror = () => {
    if (events.readyState === EventSource.CLOSED) ask(step.textContent);
  };
})();
