"""Debian's chromium, driven by its chromedriver, both started inside a container's network.

Their program files and profile are the host's; only the network is the container's, so
http://127.0.0.1:8000 in the address bar is the hub under test and nothing else can be reached.
"""
import base64
import re
import shutil
import subprocess
import tempfile
import threading
import urllib.parse
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.support.ui import WebDriverWait

from harness.paths import SCREENSHOTS
from harness.wait import wait_for

DRIVER_DEADLINE = 20.0
PAGE_DEADLINE = 30.0
LAB_DEADLINE = 90.0
ADDRESS = "http://127.0.0.1:8000"

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1100,900",
]
# No transition or animation that will end is under way.
STILL = """
return document.getAnimations().every(a => a.playState !== 'running' || a.effect.getTiming().iterations === Infinity);
"""


class _InsideConnection(ChromiumRemoteConnection):
    """Selenium's HTTP connection to chromedriver, with its sockets made in the container."""

    def __init__(self, net, port):
        address = f"http://127.0.0.1:{port}"
        super().__init__(
            address, vendor_prefix="goog", browser_name="chrome",
            client_config=ClientConfig(address, keep_alive=True),
        )
        self._net = net

    def execute(self, command, params):
        with self._net.entered():
            return super().execute(command, params)


class Browser:
    """A browser with an empty profile. Use it as a context manager."""

    def __init__(self, container, languages="en", script=True):
        self.container = container
        self.languages = languages
        self.script = script
        self.driver = None
        self._process = None
        self._profile = None
        self._log = []

    def __enter__(self):
        self._profile = tempfile.mkdtemp(prefix="hubd-test-browser-")
        self._process = subprocess.Popen(
            ["nsenter", "--target", str(self.container.pid), "--net", "chromedriver", "--port=0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        port = wait_for("chromedriver's port", self._port, DRIVER_DEADLINE)
        options = webdriver.ChromeOptions()
        for flag in [*FLAGS, f"--user-data-dir={self._profile}", f"--lang={self.languages}"]:
            options.add_argument(flag)
        script = {} if self.script else {"profile.managed_default_content_settings.javascript": 2}
        options.add_experimental_option("prefs", {"intl.accept_languages": self.languages, **script})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Remote(_InsideConnection(self.container.net, port), options=options)
        self.driver.set_page_load_timeout(PAGE_DEADLINE)
        return self

    def _read(self):
        for line in self._process.stdout:
            self._log.append(line)

    def _port(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"chromedriver ended: {''.join(self._log)}")
        found = re.search(r"started successfully on port (\d+)", "".join(self._log))
        return int(found.group(1)) if found else None

    def __exit__(self, *_):
        try:
            if self.driver is not None:
                self.driver.quit()
        finally:
            self._process.terminate()
            self._process.wait(DRIVER_DEADLINE)
            shutil.rmtree(self._profile, ignore_errors=True)

    # -- doing --------------------------------------------------------------------------------

    def open(self, path):
        self.driver.get(ADDRESS + path)
        return self

    def address(self):
        """As `path`, also of a page that runs no script."""
        return urllib.parse.urlsplit(self.driver.current_url).path

    @property
    def path(self):
        """The path in the address bar."""
        return self.driver.execute_script("return location.pathname")

    def wait(self, what, probe, deadline=PAGE_DEADLINE):
        """Waits for `probe(driver)` to be true; on failure tells what the page showed."""
        try:
            return WebDriverWait(
                self.driver, deadline, poll_frequency=0.1, ignored_exceptions=(Exception,)
            ).until(probe)
        except Exception as error:
            try:
                shown = f"{self.driver.current_url}\n{self.driver.find_element(By.TAG_NAME, 'body').text[:1500]}"
            except Exception as second:  # the page itself may be gone; the first error is the one to tell
                shown = repr(second)
            raise AssertionError(f"waited {deadline} s for {what}; the page: {shown}") from error

    def find(self, selector, deadline=PAGE_DEADLINE):
        """The first displayed element that fits the CSS selector."""
        def shown(driver):
            return next((e for e in driver.find_elements(By.CSS_SELECTOR, selector) if e.is_displayed()), None)

        return self.wait(selector, shown, deadline)

    def click(self, selector, deadline=PAGE_DEADLINE):
        self.find(selector, deadline).click()
        return self

    def login(self, user, password):
        """Fills the login form in and waits until the hub has let the person in."""
        self.open("/hub/login")
        self.find("input[name=username]").send_keys(user)
        self.find("input[name=password]").send_keys(password)
        self.click("button#sign-in")
        self.wait("a page behind the login", lambda _: not self.path.startswith("/hub/login"))
        return self

    def server_state(self):
        """The data-state of the home page."""
        return self.driver.find_element(By.ID, "server-state").get_attribute("data-state")

    def wait_state(self, state, deadline=PAGE_DEADLINE):
        """Waits, without loading the page again, until the home page shows this state."""
        self.wait(f"state {state}", lambda _: self.server_state() == state, deadline)

    def messages(self):
        """What the page wrote to the console, as text lines."""
        log = self.driver.execute("getLog", {"type": "browser"})["value"]
        return [f"{entry['level']}: {entry['message']}" for entry in log]

    # -- seeing -------------------------------------------------------------------------------

    def appearance(self, dark=False, width=1100):
        """Sets the preferred colours and the width of the page in CSS pixels."""
        scheme = "dark" if dark else "light"
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}],
        })
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False,
        })

    def still(self):
        """Waits until nothing fades any more."""
        self.wait("the end of transitions", lambda d: d.execute_script(STILL))
        return self

    def screenshot(self, target):
        """Writes a picture of the whole page, not only of what fits on the screen, when nothing fades any more."""
        self.still()
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(target).write_bytes(base64.b64decode(shot["data"]))

    def screenshot_of(self, name):
        """A picture for the folder of screenshots."""
        self.screenshot(SCREENSHOTS / f"{name}.png")
