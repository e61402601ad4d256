// An extension of JupyterLab 4: when the hub has announced that it will stop this server, the person is told in a
// notification, and may have it go on. Behind anything but hubd it does nothing.
//
// JupyterLab loads it as a container of module federation: `init` is given the modules that JupyterLab shares, `get`
// gives the plugin. What it asks is answered by the hub itself (src/hub/src/proxy/notice.rs), which says in "again",
// in seconds, when to ask next.
"use strict";

(() => {
  const SERVER_OF_A_HUB = /\/user\/[^/]+\/(?:[^/]+\/)?$/;
  let shared = {};

  // JupyterLab's own notifications, of whichever version it shares.
  async function notifications() {
    const [provided] = Object.values(shared["@jupyterlab/apputils"] || {});
    const module = await provided.get();
    return module().Notification;
  }

  class Watch {
    constructor(base, Notification) {
      this.base = base;
      this.Notification = Notification;
      this.shown = null;
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
      if (!notice) return this.hide();
      if (this.shown !== null) {
        // Whoever closed it has read it.
        if (this.Notification.manager.has(this.shown)) this.Notification.update({id: this.shown, message: notice.message});
        return;
      }
      const actions = notice.stay ? [{label: notice.stay, displayType: "accent", callback: () => this.stay()}] : [];
      this.shown = this.Notification.warning(notice.message, {autoClose: false, actions});
    }

    hide() {
      if (this.shown !== null) this.Notification.dismiss(this.shown);
      this.shown = null;
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
    activate: async app => {
      const base = app.serviceManager.serverSettings.baseUrl;
      if (SERVER_OF_A_HUB.test(base)) new Watch(base, await notifications()).ask();
    },
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB.hubd = {
    init: modules => { shared = modules; },
    get: async () => () => ({__esModule: true, default: plugin}),
  };
})();
