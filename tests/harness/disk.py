"""The disk of a virtual machine: the file tree of a container with Debian's own kernel, as ext4.

The kernel is one more layer between the image and the package. A disk is made once for its layers and kept
in the cache, next to the kernel and the initial RAM disk that qemu boots; machines write to an overlay on it.
"""
import hashlib
import shutil
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from harness import image, package, paths
from harness.container import Container

# Raise it when the way a disk is made changes in a manner that its other inputs do not show.
FORMAT = 2

DISKS = paths.CACHE / "disks"
# More than the tree needs: what is not written takes no room, here and in the overlay.
SIZE = "16G"
AGENT_PORT = 7001
# slirp's own network: qemu answers for everything in it (qemu-system(1), -netdev user).
ADDRESS = "10.0.2.15/24"

# Only what leads to the disk: the boot under software emulation is twice as long with everything.
_INSTALL = """
set -eu
mkdir -p /etc/initramfs-tools/conf.d
printf 'MODULES=list\\nCOMPRESS=gzip\\n' >/etc/initramfs-tools/conf.d/test
mkdir -p /etc/initramfs-tools
printf 'virtio_pci\\nvirtio_blk\\next4\\n' >/etc/initramfs-tools/modules
apt-get update --quiet=2
apt-get install --yes --quiet=2 --no-install-recommends -o Dpkg::Options::=--force-confold \
    linux-image-cloud-amd64 initramfs-tools
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb
"""
_AGENT_UNIT = f"""[Unit]
Description=Commands of the tests
BindsTo=sys-subsystem-net-devices-eth0.device
After=sys-subsystem-net-devices-eth0.device

[Service]
ExecStartPre=ip address add {ADDRESS} dev eth0
ExecStartPre=ip link set eth0 up
ExecStart=python3 /usr/local/share/agent.py {AGENT_PORT}
ImportCredential=agent.key
OOMScoreAdjust=-1000
TasksMax=infinity

[Install]
WantedBy=multi-user.target
"""
_FSTAB = "/dev/vda / ext4 errors=panic 0 1\n/dev/vdb none swap sw 0 0\n"


@dataclass(frozen=True)
class Disk:
    """What qemu boots."""

    root: Path
    kernel: Path
    initrd: Path


def layers():
    """The file tree of a Debian 13 machine with a kernel: [kernel, base]."""
    base = image.base("trixie")
    inputs = "\n".join([str(FORMAT), base.name, _INSTALL])
    key = hashlib.sha256(inputs.encode()).hexdigest()[:16]
    return package.layer("kernel", "trixie", [base], key, lambda root: image.chroot(root, ["sh", "-c", _INSTALL], network=True))


def made(tree):
    """The disk of these layers; makes it when the cache has none."""
    agent = Path(__file__).with_name("agent.py")
    inputs = "\n".join([str(FORMAT), *(layer.name for layer in tree), agent.read_text(), _AGENT_UNIT, _FSTAB, SIZE])
    done = DISKS / f"disk-{hashlib.sha256(inputs.encode()).hexdigest()[:16]}"
    with image.lock("disk"):
        image.retire(DISKS, "*", done)
        if not done.is_dir():
            started = time.monotonic()
            _make(tree, agent, done)
            print(f"disk: {done.name} made in {time.monotonic() - started:.0f} s", flush=True)
    return Disk(*(done / name for name in ("root.raw", "kernel", "initrd")))


def _make(tree, agent, done):
    making = done.with_name(f"making-{done.name}")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    machine = Container(tree, "disk")
    try:
        machine.mount()
        _put_agent(machine.root, agent)
        _shorten_boot(machine.root)
        for name, pattern in (("kernel", "vmlinuz-*"), ("initrd", "initrd.img-*")):
            [found] = (machine.root / "boot").glob(pattern)
            shutil.copy(found, making / name)
        subprocess.run(
            ["mke2fs", "-q", "-t", "ext4", "-d", machine.root, "-E", "lazy_itable_init=1,lazy_journal_init=1",
             making / "root.raw", SIZE],
            check=True, stdin=subprocess.DEVNULL,
        )
    finally:
        machine.close()
    making.rename(done)


def _shorten_boot(root):
    """Nothing of a first boot, and nothing that waits for a network that is the agent's business."""
    (root / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")
    (root / "etc/systemd/system/networking.service").symlink_to("/dev/null")
    # systemd-update-done.service(8): what is newer than /usr has been brought up to date.
    for folder in ("etc", "var"):
        (root / folder / ".updated").touch()


def _put_agent(root, agent):
    """The agent as a unit that is started at boot, and what the file system table needs."""
    shutil.copy(agent, root / "usr/local/share/agent.py")
    unit = root / "etc/systemd/system/test-agent.service"
    unit.write_text(_AGENT_UNIT)
    wanted = root / "etc/systemd/system/multi-user.target.wants" / unit.name
    wanted.parent.mkdir(exist_ok=True)
    wanted.symlink_to(f"../{unit.name}")
    (root / "etc/fstab").write_text(_FSTAB)
