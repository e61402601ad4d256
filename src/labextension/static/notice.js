// An extension of JupyterLab 4: when the hub has announced that it will stop this server, the person is told in a corner
// of the page, and may have it go on. Behind anything but hubd it does nothing.
//
// JupyterLab loads it as a container of module federation: `get` gives the plugin. What it asks is answered by the hub
// itself (src/hub/src/proxy/notice.rs), which says in "again", in seconds, when to ask next. It shows the notice without
// JupyterLab's own notifications: they load a part of the page when they are first used, and that would wake a server
// that sleeps.
"use strict";

(() => {
  const SERVER_OF_A_HUB = /\/user\/[^/]+\/(?:[^/]+\/)?$/;
  const BOX = {
    position: "fixed", right: "16px", bottom: "40px", zIndex: "10000", maxWidth: "min(320px, 80vw)", padding: "12px 16px",
    background: "var(--jp-layout-color1)", color: "var(--jp-ui-font-color1)", font: "14px/1.5 var(--jp-ui-font-family)",
    border: "1px solid var(--jp-border-color1)", borderTop: "4px solid var(--jp-warn-color0)", borderRadius: "2px",
    boxShadow: "0 4px 12px rgb(0 0 0 / 30%)",
  };
  const BUTTONS = {display: "flex", justifyContent: "flex-end", gap: "8px", marginTop: "8px"};

  function element(name, style, text) {
    const made = Object.assign(document.createElement(name), {textContent: text});
    Object.assign(made.style, style);
    return made;
  }

  function button(kind, text, pressed) {
    const made = element("button", {}, text);
    made.type = "button";
    made.className = `jp-Button jp-mod-styled ${kind}`;
    made.addEventListener("click", pressed);
    return made;
  }

  class Watch {
    constructor(base) {
      this.base = base;
      this.box = null;
      this.read = false;
      this.heard = false;
    }

    async ask() {
      let again = 60;
      try {
        const answer = await fetch(this.base + "hubd/notice", {cache: "no-store"});
        // The server answers that there is no such page: an older hub, or one that does not know this browser.
        if (!answer.ok && !this.heard) return;
        if (answer.ok) {
          const told = await answer.json();
          this.heard = true;
          again = told.again;
          this.show(told.notice);
        }
      } catch {
        // The hub restarts, or the computer slept: later.
      }
      setTimeout(() => this.ask(), again * 1000);
    }

    show(notice) {
      if (!notice) {
        this.hide();
        this.read = false;
      } else if (this.box) {
        this.box.firstChild.textContent = notice.message;
      } else if (!this.read) {
        this.box = element("div", BOX, "");
        this.box.id = "hubd-notice";
        this.box.setAttribute("role", "alert");
        const buttons = element("div", BUTTONS, "");
        buttons.append(button("jp-mod-reject", notice.close, () => this.hide()));
        if (notice.stay) buttons.append(button("jp-mod-accept", notice.stay, () => this.stay()));
        this.box.append(element("div", {}, notice.message), buttons);
        document.body.append(this.box);
      }
    }

    // Whoever closed it has read it.
    hide() {
      if (this.box) this.box.remove();
      this.box = null;
      this.read = true;
    }

    stay() {
      fetch(this.base + "hubd/stay", {method: "POST"}).catch(() => {});
      this.hide();
    }
  }

  const plugin = {
    id: "hubd:notice",
    description: "Tells when hubd is going to stop the server.",
    autoStart: true,
    activate: app => {
      const base = app.serviceManager.serverSettings.baseUrl;
      if (SERVER_OF_A_HUB.test(base)) new Watch(base).ask();
    },
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB.hubd = {
    init: () => {},
    get: async () => () => ({__esModule: true, default: plugin}),
  };
})();
