"""A stop for idleness is announced in the open JupyterLab itself, where the person can have the server go on.

It takes minutes, most of them waiting, so `tests/run` has it run beside the other tests.
"""
import contextlib

from selenium.webdriver.common.by import By

from harness import bookworm
from harness.browser import LAB_DEADLINE
from harness.container import Container
from harness.hub import Hub
from harness.lab_page import open_lab
from harness.wait import wait_for

# Announced a quarter before the end.
IMPATIENT = """
[idle]
suspend_after = "never"
stop_after = "80s"
cpu_window = "5s"
cpu_below = "60%"
"""
OFTEN = "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/5\nAccuracySec=1s\n"
NOTICE = "#hubd-notice"
ENGLISH = ("will be stopped in", "Keep it running")
CHINESE = ("因无人使用，这个 JupyterLab 将在", "继续运行")
DEADLINE = 240.0


@contextlib.contextmanager
def impatient(layers):
    with Container(layers, "impatient") as machine:
        hub = Hub(machine)
        hub.configure(IMPATIENT)
        machine.write("/run/systemd/system/hub-cull.timer.d/often.conf", OFTEN)
        hub.shell("systemctl daemon-reload; systemctl restart hub-cull.timer")
        yield hub


def announced(page, words, label):
    """The button of what is shown, once it says so."""
    def found(driver):
        shown = driver.find_elements(By.CSS_SELECTOR, NOTICE)
        if not shown or words not in shown[0].text:
            return None
        buttons = [button for button in shown[0].find_elements(By.TAG_NAME, "button") if button.text == label]
        return buttons[0] if buttons else None
    return page.wait(f"an announcement: {words} {label}", found, DEADLINE)


def ends(hub, user):
    unit = hub.unit(user)
    wait_for("the stop that nobody spoke against", lambda: hub.container.active(unit) == "inactive", DEADLINE)


def test_an_open_jupyterlab_tells_of_its_stop_and_one_press_lets_it_go_on(layers, browser):
    with impatient(layers) as hub:
        page = open_lab(browser(hub), "alice")
        stay = announced(page, *ENGLISH)
        page.screenshot_of("lab-notice")
        main = hub.container.main_pid(hub.unit("alice"))
        stay.click()
        page.wait("it to be gone", lambda d: not d.find_elements(By.CSS_SELECTOR, NOTICE), LAB_DEADLINE)
        # What was announced is past when the next announcement comes, and the server still runs.
        announced(page, *ENGLISH)
        assert hub.container.main_pid(hub.unit("alice")) == main
        ends(hub, "alice")


def test_so_does_the_newest_jupyterlab_of_an_environment_on_debian_12_in_chinese(deb, browser):
    with impatient(bookworm.layers(deb)) as hub:
        page = open_lab(browser(hub, "zh-CN,zh"), "alice")
        announced(page, *CHINESE)
        ends(hub, "alice")
