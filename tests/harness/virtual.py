"""A virtual machine with its own kernel: qemu, in software unless told otherwise, on an overlay of a cached disk.

Memory, CPU and IO limits, out-of-memory kills, freezing, swap, reboots and power cuts are the kernel's, and
here it is the machine's own. Commands go through harness.agent. Whoever talks to it has to be patient: software
emulation is some ten times slower than the host.
"""
import itertools
import json
import os
import secrets
import socket
import subprocess
from dataclasses import dataclass

from harness import disk, paths
from harness.inside import COMMAND_DEADLINE, CommandFailed, Inside, in_clean_environment
from harness.mounts import remove_tree
from harness.wait import wait_for

QEMU = "qemu-system-x86_64"
# "kvm" is much faster, where the host has it for real.
ACCELERATOR = os.environ.get("HUBD_TEST_ACCEL", "tcg")
MEMORY_MIB = 4096
SWAP_MIB = 4096
CPUS = 2
BOOT_DEADLINE = 600.0
POWEROFF_DEADLINE = 600.0
KERNEL_OPTIONS = "root=/dev/vda rw console=ttyS0 net.ifnames=0 mitigations=off audit=0 quiet panic=-1"
# On a busy host udev takes longer than systemd's 90 s to find swap and network, and then neither ever comes.
PATIENCE = "systemd.default_device_timeout_sec=10min systemd.default_timeout_start_sec=10min"
END_DEADLINE = 20.0
# A port may be taken between asking for a free one and using it.
TRIES = 3

_numbers = itertools.count(1)
_NOT_YET = (ConnectionError, TimeoutError, json.JSONDecodeError)


@dataclass
class Forwarded:
    """The machine's network as seen from here: its ports stand behind ports of this host."""

    ports: dict
    patience: int

    def connect(self, host="127.0.0.1", port=8000, deadline=10.0):  # pylint: disable=unused-argument
        """A connected TCP socket with a time limit on every call."""
        return socket.create_connection(("127.0.0.1", self.ports[port]), timeout=deadline * self.patience)


class VirtualMachine(Inside):
    """One virtual machine. Use it as a context manager."""

    patience = 6

    def __init__(self, base, name="vm", memory_mib=MEMORY_MIB, swap_mib=SWAP_MIB):
        """`base`: a disk of harness.disk; it is not written to."""
        self.base = base
        self.memory_mib = memory_mib
        self.swap_mib = swap_mib
        self.folder = paths.RUNNING / f"hubd-test-{os.getpid()}-{next(_numbers)}-{name}"
        self.net = None
        self._key = secrets.token_hex(16)
        self._qemu = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    # -- life ---------------------------------------------------------------------------------

    def start(self):
        """Makes the disks, boots, and waits until systemd has nothing left to start."""
        self.folder.mkdir(parents=True)
        (self.folder / "owner").write_text(str(os.getpid()))
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", "qcow2", "-b", self.base.root, "-F", "raw", self.folder / "root.qcow2"],
            check=True,
        )
        with open(self.folder / "swap.raw", "wb") as swap:
            swap.truncate(self.swap_mib << 20)
        subprocess.run(["mkswap", "--quiet", self.folder / "swap.raw"], check=True)
        self.boot()
        return self

    def boot(self):
        """Switches it on; what was written to its disks is still there."""
        for remaining in reversed(range(TRIES)):
            self._power_on()
            try:
                self._wait_for_boot()
                return
            except PortTaken:
                if not remaining:
                    raise
            except BaseException:
                print(self.console()[-4000:], flush=True)
                self.cut_power()
                raise

    def _power_on(self):
        ports = {port: _free_port() for port in (8000, disk.AGENT_PORT)}
        self.net = Forwarded(ports, self.patience)
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for there, here in ports.items())
        threads = ",thread=multi" if ACCELERATOR == "tcg" else ""
        with open(self.folder / "qemu.log", "ab") as log:
            self._qemu = subprocess.Popen(
                [
                    QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35",
                    "-accel", ACCELERATOR + threads, "-cpu", "host" if ACCELERATOR == "kvm" else "Nehalem",
                    "-smp", str(CPUS), "-m", str(self.memory_mib),
                    "-kernel", self.base.kernel, "-initrd", self.base.initrd,
                    "-append", f"{KERNEL_OPTIONS} {PATIENCE}",
                    "-serial", f"file:{self.folder}/console.log",
                    # The host's own disk is not what is tested; a power cut still loses what the kernel has not written.
                    "-drive", f"file={self.folder}/root.qcow2,if=virtio,format=qcow2,cache=unsafe",
                    "-drive", f"file={self.folder}/swap.raw,if=virtio,format=raw,cache=unsafe",
                    "-netdev", f"user,id=net,restrict=on,ipv6=off{forwards}", "-device", "virtio-net-pci,netdev=net",
                    "-device", "virtio-rng-pci",
                    "-smbios", f"type=11,value=io.systemd.credential:agent.key={self._key}",
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )

    def _wait_for_boot(self):
        wait_for("the agent", self._answers, BOOT_DEADLINE, _NOT_YET)
        wait_for("the boot to finish", self.has_booted, BOOT_DEADLINE)

    def _answers(self):
        if self._qemu.poll() is not None:
            said = (self.folder / "qemu.log").read_text(errors="replace")[-2000:]
            error = PortTaken if "hostfwd" in said else RuntimeError
            raise error(f"qemu ended with status {self._qemu.returncode}: {said}")
        return self.run(["true"], deadline=END_DEADLINE).returncode == 0

    def boot_id(self):
        """The kernel's name for this boot."""
        return self.run(["cat", "/proc/sys/kernel/random/boot_id"]).stdout.strip()

    def reboot(self):
        """Reboots as an administrator does, and waits until it is up again."""
        before = self.boot_id()
        self.run(["systemctl", "reboot"], check=False)
        wait_for("the next boot", lambda: self._answers() and self.boot_id() != before, BOOT_DEADLINE, (*_NOT_YET, CommandFailed))
        wait_for("the boot to finish", self.has_booted, BOOT_DEADLINE)

    def power_off(self):
        """Shuts down as an administrator does, and waits until it is off."""
        self.run(["systemctl", "poweroff"], check=False)
        self._qemu.wait(POWEROFF_DEADLINE)
        self._qemu = None

    def cut_power(self):
        """Pulls the plug."""
        if self._qemu is not None:
            self._qemu.kill()
            self._qemu.wait(END_DEADLINE)
            self._qemu = None

    def close(self):
        """Ends the machine at once and removes what it wrote."""
        self.cut_power()
        remove_tree(self.folder)

    def console(self):
        """What the kernel and systemd printed."""
        try:
            return (self.folder / "console.log").read_text(errors="replace")
        except FileNotFoundError:
            return ""

    # -- inside -------------------------------------------------------------------------------

    def run(self, arguments, user=None, check=True, stdin=None, deadline=COMMAND_DEADLINE, environment=None):
        """Runs a command inside; its output is text. Raises CommandFailed when `check` and not 0."""
        seconds = deadline * self.patience
        command = [str(part) for part in in_clean_environment(arguments, user, environment)]
        order = {"key": self._key, "command": command, "stdin": stdin or "", "deadline": seconds}
        with self.net.connect(port=disk.AGENT_PORT, deadline=deadline) as line:
            line.settimeout(seconds + END_DEADLINE)
            line.sendall(json.dumps(order).encode() + b"\n")
            answer = json.loads(_all_of(line))
        done = subprocess.CompletedProcess(arguments, answer["status"], answer["stdout"], answer["stderr"])
        if check and done.returncode != 0:
            raise CommandFailed.of(arguments, user, done.returncode, done.stdout + done.stderr)
        return done

    def write(self, inside, text, mode=0o644):
        """Writes a file inside, with its folders."""
        self.run(["sh", "-ec", 'mkdir -p "$(dirname "$1")"; cat >"$1"; chmod "$2" "$1"', "sh", inside, f"{mode:o}"], stdin=text)

    def remove(self, inside):
        """Removes a file inside, if it is there."""
        self.run(["rm", "-f", inside])


class PortTaken(RuntimeError):
    """Somebody else has a port of this host that was free just before."""


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _all_of(line):
    """What comes until the other side closes."""
    parts = []
    while part := line.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)
