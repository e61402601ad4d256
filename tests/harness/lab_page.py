"""JupyterLab in a real browser, by the buttons and keys a person presses."""
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness.browser import LAB_DEADLINE
from harness.people import PASSWORDS

OUTPUT_DEADLINE = 40.0

SOCKETS_OPEN = """
return (window.hubdTestSockets || []).filter(socket => socket.readyState === WebSocket.OPEN).length;
"""
# A kernel has answered over its connection.
KERNEL_CONNECTED = """
return (window.hubdTestSockets || []).some(socket => /\\/api\\/kernels\\/.*\\/channels/.test(socket.url) && socket.hubdTestHeard);
"""
WATCH_SOCKETS = """
window.hubdTestSockets = [];
const Original = window.WebSocket;
window.WebSocket = class extends Original {
  constructor(...args) {
    super(...args);
    this.addEventListener('message', () => { this.hubdTestHeard = true; });
    window.hubdTestSockets.push(this);
  }
};
"""


def open_lab(page, user):
    """From the login form to the launcher of JupyterLab, by the buttons a person presses.

    What the person had open before is forgotten first: JupyterLab would come back to it, and without a launcher.
    """
    page.container.run(["rm", "-rf", f"/home/{user}/.jupyter/lab/workspaces"])
    page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH_SOCKETS})
    page.login(user, PASSWORDS[user])
    page.open("/hub/home")
    page.click("#start-server, #open-server")
    page.wait("JupyterLab's address", lambda _: page.path.startswith(f"/user/{user}/lab"), LAB_DEADLINE)
    page.find(".jp-Launcher", LAB_DEADLINE)
    return page


def launch(page, label):
    """Presses a card of the launcher."""
    page.click(f".jp-LauncherCard[title*='{label}'], .jp-LauncherCard[data-category='{label}']", LAB_DEADLINE)


def open_notebook(page):
    """A new notebook whose kernel runs cells: the indicator alone says idle before there is a kernel."""
    launch(page, "Notebook")
    page.wait(
        "an idle kernel, said by the status bar too, which knows of the connection",
        lambda d: d.find_elements(By.CSS_SELECTOR, ".jp-NotebookPanel .jp-Notebook-ExecutionIndicator[data-status='idle']")
        and "| Idle" in d.find_element(By.ID, "jp-main-statusbar").text
        and d.execute_script(KERNEL_CONNECTED),
        LAB_DEADLINE,
    )


def run_cell(page, code, output):
    """Types into the last cell, runs it, and waits for what it prints."""
    cells = page.driver.find_elements(By.CSS_SELECTOR, ".jp-NotebookPanel .jp-CodeCell .cm-content")
    cells[-1].click()
    ActionChains(page.driver).send_keys(code).key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).perform()
    page.wait(
        f"{output} below a cell",
        lambda d: output in [e.text.strip() for e in d.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output pre")],
        OUTPUT_DEADLINE,
    )
