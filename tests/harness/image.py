"""Base images: Debian trees made by mmdebstrap, kept in the cache under a key of what goes into them.

An image is a directory and is never written to after it is finished: containers boot from an
overlay on top of it. The key covers the package list, the release, the mirror, the accounts and
the format number here, so a change of any of them makes a new image and the old one is removed.
"""
import fcntl
import hashlib
import os
import re
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import paths, people
from harness.mounts import remove_tree

# Raise it when the way an image is made changes in a manner that its other inputs do not show.
FORMAT = 6

# Trees with another key are kept this long, seconds: another test run may be on top of them.
RETIRE_AGE = 12 * 3600

# Enough of a machine for the hub: no recommends.
MACHINE = (
    "systemd systemd-sysv dbus polkitd sudo curl ca-certificates python3 python3-venv procps "
    "iproute2 libpam-modules libpam-systemd libsqlite3-0 locales less openssl"
).split()
COMPILER = "rustc cargo gcc libc6-dev pkgconf ca-certificates libpam0g-dev libclang-dev libsqlite3-dev".split()


@dataclass(frozen=True)
class Recipe:
    """What an image is made of; only a `machine` is booted and has accounts and our dependencies."""

    release: str
    packages: tuple
    machine: bool = True


RECIPES = {
    "trixie": Recipe("trixie", (*MACHINE, "jupyterlab", "python3-ipykernel")),
    "bookworm": Recipe("bookworm", tuple(MACHINE)),
    "compiler": Recipe("trixie", tuple(COMPILER), machine=False),
}


def runtime_dependencies(control):
    """Package names in the Depends of a debian/control text; variables, versions and choices dropped."""
    found = []
    for block in re.findall(r"^Depends:(.*(?:\n[ \t].*)*)", control, re.MULTILINE):
        for item in block.replace("\n", " ").split(","):
            name = item.split("|")[0].split("(")[0].strip()
            if name and not name.startswith("${"):
                found.append(name)
    return sorted(set(found))


def packages(kind):
    """The package list of an image, a machine's with what our own package depends on."""
    wanted = set(RECIPES[kind].packages)
    if RECIPES[kind].machine:
        control = paths.REPOSITORY / "packaging" / "debian" / "control"
        wanted |= set(runtime_dependencies(control.read_text()))
    return sorted(wanted)


def key(kind):
    """The part of the image's name that changes with its inputs."""
    recipe = RECIPES[kind]
    accounts = people.script() if recipe.machine else ""
    inputs = [str(FORMAT), recipe.release, paths.MIRROR, *packages(kind), accounts]
    return hashlib.sha256("\n".join(inputs).encode()).hexdigest()[:16]


@contextmanager
def lock(name):
    """One maker at a time of the thing called `name` in the cache."""
    paths.CACHE.mkdir(parents=True, exist_ok=True)
    with open(paths.CACHE / f"{name}.lock", "w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def base(kind="trixie"):
    """The finished image's directory; makes it when the cache has none (some minutes)."""
    name = f"{kind}-{key(kind)}"
    done = paths.IMAGES / name
    with lock(f"image-{kind}"):
        retire(paths.IMAGES, f"{kind}-*", done)
        if done.is_dir():
            return done
        paths.IMAGES.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        print(f"image: making {name} with mmdebstrap", flush=True)
        making = paths.IMAGES / f"making-{name}"
        remove_tree(making)
        _bootstrap(kind, making)
        if RECIPES[kind].machine:
            _finish(making)
        making.rename(done)
        print(f"image: {name} made in {time.monotonic() - started:.0f} s", flush=True)
        return done


def retire(folder, pattern, used):
    """Marks the tree `used` as used now, and removes the others that nobody used for a while."""
    if used.is_dir():
        os.utime(used)
    for other in folder.glob(pattern):
        if other != used and time.time() - other.stat().st_mtime > RETIRE_AGE:
            remove_tree(other)


def _bootstrap(kind, target):
    subprocess.run(
        [
            "mmdebstrap", "--variant=important", "--mode=root", "--format=directory",
            "--aptopt=APT::Install-Recommends \"false\"", f"--include={','.join(packages(kind))}",
            RECIPES[kind].release, str(target), paths.MIRROR,
        ],
        check=True,
        stdin=subprocess.DEVNULL,
    )


def _finish(root):
    """Accounts, a persistent journal, and nothing that waits for a network that is not there."""
    chroot(root, ["sh", "-c", people.script()])
    (root / "var/log/journal").mkdir(parents=True, exist_ok=True)
    (root / "etc/hostname").write_text("hubd-test\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost hubd-test\n::1 localhost\n")
    (root / "etc/machine-id").write_text("")
    limits = root / "etc/systemd/journald.conf.d/test.conf"
    limits.parent.mkdir(parents=True, exist_ok=True)
    limits.write_text("[Journal]\nStorage=persistent\nRateLimitIntervalSec=0\nSyncIntervalSec=1s\n")
    for unit in ("systemd-networkd-wait-online.service", "apt-daily.timer", "apt-daily-upgrade.timer"):
        link = root / "etc/systemd/system" / unit
        if not link.exists():
            link.symlink_to("/dev/null")


def chroot(root, command, network=False, environment=None, binds=()):
    """Runs a command in a tree that is not booted.

    With `network` it gets the host's DNS and certificates. `binds` are (host's directory, path
    inside, "rw" or "ro"); the path is made in the tree.
    """
    certificates = "/etc/ssl/certs/ca-certificates.crt"
    env = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
        **(environment or {}),
    }
    with ExitStack() as mounted:
        def mount(*arguments, where):
            subprocess.run(["mount", *arguments, str(where)], check=True)
            mounted.callback(subprocess.run, ["umount", str(where)], check=False)

        for kind, where in (("proc", "proc"), ("devtmpfs", "dev"), ("tmpfs", "run")):
            mount("-t", kind, kind, where=root / where)
        for source, where, access in binds:
            target = root / str(where).lstrip("/")
            target.mkdir(parents=True, exist_ok=True)
            mount("-o", f"bind,{access}", str(source), where=target)
        if network:
            resolv = _resolv_conf(root)
            mount("--bind", "/etc/resolv.conf", where=resolv)
            mount("--bind", str(paths.HOST_CERTIFICATES), where=root / certificates.lstrip("/"))
            env.update(PIP_CERT=certificates, SSL_CERT_FILE=certificates, CARGO_HTTP_CAINFO=certificates)
        return subprocess.run(["chroot", str(root), *command], check=True, env=env, stdin=subprocess.DEVNULL)


def _resolv_conf(root):
    """The tree's resolv.conf as an existing file; where it is a link (into /run), the link's end."""
    found = root / "etc/resolv.conf"
    if found.is_symlink():
        link = os.readlink(found)
        found = Path(os.path.normpath(root / link.lstrip("/") if link.startswith("/") else found.parent / link))
    found.parent.mkdir(parents=True, exist_ok=True)
    found.touch()
    return found
