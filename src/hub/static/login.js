// A login's time limit, counted down. Without this script the page says until when.
"use strict";

(() => {
  const line = document.getElementById("login-deadline");
  const end = performance.now() + Number(line.dataset.seconds) * 1000;

  function show() {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left <= 0) {
      clearInterval(clock);
      line.textContent = line.dataset.over;
      hubPage.announce(line.dataset.over);
      return;
    }
    const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    line.textContent = line.dataset.left.replace("{time}", time);
  }

  const clock = setInterval(show, 1000);
  show();
})();
