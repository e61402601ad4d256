"""A Debian container booted with systemd-nspawn from an overlay on a cached image.

Each one has a control group and a network namespace of its own, so that several can run side by
side with the same unit names. Everything is undone by `close`, which ends only the processes that
`start` began.
"""
import itertools
import os
import signal
import subprocess
from pathlib import Path

from harness import paths
from harness.inside import COMMAND_DEADLINE, CommandFailed, Inside, in_clean_environment
from harness.mounts import remove_tree
from harness.netns import NetworkNamespace
from harness.wait import wait_for

BOOT_DEADLINE = 60.0
END_DEADLINE = 20.0

_numbers = itertools.count(1)


def _unified_hierarchy():
    """Where the host has its version 2 control groups mounted."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(where)
    raise RuntimeError("this host has no cgroup2 mount: mount -t cgroup2 cgroup2 DIRECTORY")


class Container(Inside):
    """One booted machine. Use it as a context manager."""

    def __init__(self, layers, name="machine"):
        """`layers`: directories, the topmost first; none of them is written to."""
        self.layers = [Path(layer) for layer in layers]
        self.name = f"hubd-test-{os.getpid()}-{next(_numbers)}-{name}"
        self.folder = paths.RUNNING / self.name
        self.root = self.folder / "root"
        self.pid = None
        self.net = None
        self._nspawn = None
        self.overlaid = False
        self._cgroup = _unified_hierarchy() / self.name

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    # -- life ---------------------------------------------------------------------------------

    def start(self):
        """Mounts, boots, and waits until systemd has nothing left to start."""
        self.mount()
        self.boot()
        return self

    def mount(self):
        """Makes the writable tree `root` on top of the layers."""
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir(parents=True)
        (self.folder / "owner").write_text(str(os.getpid()))
        lower = ":".join(str(layer) for layer in self.layers)
        options = f"lowerdir={lower},upperdir={self.folder}/upper,workdir={self.folder}/work"
        made = subprocess.run(
            ["mount", "-t", "overlay", "overlay", "-o", options, str(self.root)],
            check=False, capture_output=True, text=True,
        )
        self.overlaid = made.returncode == 0
        if not self.overlaid:
            print(f"{self.name}: no overlay here ({made.stderr.strip()}); copying", flush=True)
            for layer in reversed(self.layers):
                subprocess.run(["cp", "-a", "--reflink=auto", f"{layer}/.", str(self.root)], check=True)

    def boot(self):
        self._cgroup.mkdir()
        console = open(self.folder / "console.log", "ab")
        group = str(self._cgroup / "cgroup.procs")

        def join():
            Path(group).write_text(str(os.getpid()))

        with console:
            self._nspawn = subprocess.Popen(
                [
                    "systemd-nspawn", "--quiet", "--boot", "--keep-unit", "--register=no",
                    "--private-network", "--resolv-conf=off", "--timezone=off", "--link-journal=no",
                    "--console=pipe", f"--machine={self.name}", f"--directory={self.root}",
                ],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, preexec_fn=join,
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_NSPAWN_LOCK": "0"},
            )
        try:
            self.pid = wait_for("the container's first process", self._leader, BOOT_DEADLINE)
            self.net = NetworkNamespace(self.pid)
            wait_for("the boot to finish", self.has_booted, BOOT_DEADLINE)
        except BaseException:
            print((self.folder / "console.log").read_text(errors="replace")[-4000:], flush=True)
            raise

    def _leader(self):
        """The process that is number 1 inside, searched among the descendants of nspawn."""
        if self._nspawn.poll() is not None:
            raise RuntimeError(f"systemd-nspawn ended with status {self._nspawn.returncode}")
        waiting = [self._nspawn.pid]
        while waiting:
            pid = waiting.pop()
            try:
                status = Path(f"/proc/{pid}/status").read_text()
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                init = Path(f"/proc/{pid}/comm").read_text().strip() == "systemd"
            except OSError:
                continue
            numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
            if len(numbers) > 1 and numbers[-1] == "1" and init:
                return pid
            waiting += [int(child) for child in children]
        return None

    def _booted(self):
        answer = self.run(["systemctl", "is-system-running", "--wait"], check=False).stdout.strip()
        return answer in ("running", "degraded")

    def wait_for_end(self, deadline):
        """Waits until a machine that was told to go down is down."""
        self._nspawn.wait(deadline)

    def close(self):
        """Ends the machine at once and removes what it wrote."""
        if self.net is not None:
            self.net.close()
            self.net = None
        if self._nspawn is not None:
            if self.pid is not None and self._nspawn.poll() is None:
                os.kill(self.pid, signal.SIGKILL)
            try:
                self._nspawn.wait(END_DEADLINE)
            except subprocess.TimeoutExpired:
                self._nspawn.kill()
                self._nspawn.wait(END_DEADLINE)
            self._nspawn = None
            self.pid = None
        self.overlaid = False
        remove_groups(self._cgroup)
        remove_tree(self.folder)

    # -- inside -------------------------------------------------------------------------------

    def command(self, arguments, user=None, environment=None):
        """The host command that runs `arguments` inside, as `user` without a PAM session."""
        return ["nsenter", "--target", str(self.pid), "--all", "--wdns=/",
                *in_clean_environment(arguments, user, environment)]

    def run(self, arguments, user=None, check=True, stdin=None, deadline=COMMAND_DEADLINE, environment=None):
        """Runs a command inside; its output is text. Raises CommandFailed when `check` and not 0."""
        done = subprocess.run(
            self.command(arguments, user, environment),
            input=stdin if stdin is not None else "",
            capture_output=True, text=True, timeout=deadline, check=False, errors="replace",
        )
        if check and done.returncode != 0:
            raise CommandFailed.of(arguments, user, done.returncode, done.stdout + done.stderr)
        return done

    def path(self, inside):
        """The host's path of a file of the root file system (not of /run, /tmp or /proc)."""
        return self.root / str(inside).lstrip("/")

    def live_path(self, inside):
        """The host's path of any file as the container's first process sees it."""
        return Path(f"/proc/{self.pid}/root") / str(inside).lstrip("/")

    def write(self, inside, text, mode=0o644):
        """Writes a file inside, with its folders."""
        target = self.live_path(inside)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def remove(self, inside):
        """Removes a file inside, if it is there."""
        self.live_path(inside).unlink(missing_ok=True)


def remove_groups(top):
    """Removes a tree of control groups whose processes are gone."""
    if not top.exists():
        return
    for folder, _, _ in os.walk(top, topdown=False):
        try:
            wait_for(f"{folder} to be empty", lambda: _remove_group(folder), END_DEADLINE)
        except AssertionError as error:
            print(f"left behind: {error}", flush=True)


def _remove_group(folder):
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def remove_leftovers():
    """Unmounts and removes containers of test runs that died without their `close`."""
    if not paths.RUNNING.is_dir():
        return
    for folder in paths.RUNNING.iterdir():
        owner = folder / "owner"
        if owner.exists() and Path(f"/proc/{owner.read_text()}").exists():
            continue
        remove_tree(folder)
