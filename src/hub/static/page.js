// What every page does: times in the reader's own words, one click per form, and a fresh copy of the page from the hub.
// The hub draws all pages; scripts only ask for them again, so that no text and no markup lives here.
"use strict";

const hubPage = (() => {
  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];

  function showTimes() {
    const language = document.documentElement.lang;
    const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
    const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
    for (const element of document.querySelectorAll("time[datetime]")) {
      const time = new Date(element.dateTime);
      const seconds = Math.min(0, (time - Date.now()) / 1000);
      const [unit, size] = units.find(([, size]) => -seconds >= size) ?? ["second", 1];
      // "1分钟前" is "1 分钟前" in our other texts.
      const ago = () => relative.format(Math.ceil(seconds / size), unit).replace(/(\d)(?=\p{Script=Han})/u, "$1 ");
      const text = unit === "second" ? document.body.dataset.now : ago();
      // What lies ahead is told as a date: "in 30 days" would be wrong tomorrow.
      const shown = "exact" in element.dataset ? exact.format(time) : text;
      if (element.textContent !== shown) element.textContent = shown;
      element.title = exact.format(time);
    }
  }

  // The same address again, its main part put in place of ours. Follows the hub to another page when it says so.
  async function refresh() {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected && new URL(answer.url).pathname !== location.pathname) {
      location.replace(answer.url);
      return;
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [ours, theirs] = [document.getElementById("content"), fresh.getElementById("content")];
    if (!theirs) throw new Error("not a page of the hub");
    const focused = ours.contains(document.activeElement) ? document.activeElement.id : null;
    ours.replaceChildren(...theirs.childNodes);
    document.title = fresh.title;
    if (focused !== null) (document.getElementById(focused) || ours).focus({ preventScroll: true });
    showTimes();
  }

  function announce(text) {
    document.getElementById("announce").textContent = text;
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    (event.submitter || form).setAttribute("aria-busy", "true");
  });

  // Back in the history a page is as it was left: make its forms usable again.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const element of document.querySelectorAll("[aria-busy]")) element.removeAttribute("aria-busy");
  });

  showTimes();
  setInterval(showTimes, 30000);
  return { refresh, announce, showTimes };
})();
