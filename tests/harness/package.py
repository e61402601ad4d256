"""The Debian package under test, and the file tree that has it installed.

Installing into a tree that is not booted is how images of machines are made; it is done once for a
package and kept as one more layer, so that a container with the hub boots in a second. The
installation on a running machine has a test of its own (system/test_package.py).
"""
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from harness import image, paths
from harness.container import Container

LAYERS = paths.CACHE / "layers"


def build():
    """The path of the .deb: HUBD_DEB when it is set, else a new one by packaging/build-deb."""
    given = os.environ.get("HUBD_DEB")
    if given:
        return Path(given)
    done = subprocess.run(
        [paths.REPOSITORY / "packaging" / "build-deb"],
        check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )
    return Path(done.stdout.strip().splitlines()[-1])


def installed(deb, kind="trixie", after=None, label="installed", below=None):
    """The layers of a machine with the package: [installed, base], or on top of the layers `below`.

    `after(root)` may do more in the tree; then `label` must tell it apart from other trees.
    """
    below = below or [image.base(kind)]
    digest = hashlib.sha256(Path(deb).read_bytes()).hexdigest()[:16]

    def make(root):
        shutil.copy(deb, root / "root/hubd.deb")
        image.chroot(root, ["apt-get", "install", "--yes", "--quiet", "/root/hubd.deb"])
        if after is not None:
            after(root)

    return layer(label, kind, below, digest, make)


def layer(label, kind, below, key, make):
    """[new, *below]: what `make(root)` writes into a tree of the layers `below`, made once for this key."""
    done = LAYERS / f"{label}-{below[0].name}-{key}"
    with image.lock(f"layer-{label}-{kind}"):
        image.retire(LAYERS, f"{label}-*", done)
        if not done.is_dir():
            LAYERS.mkdir(parents=True, exist_ok=True)
            tree = Container(below, "install")
            try:
                tree.mount()
                make(tree.root)
                keep(tree, done)
            finally:
                tree.close()
    return [done, *below]


def keep(tree, target):
    """Moves what was written into a mounted tree to `target`, to be a layer of other machines."""
    making = target.with_name(f"making-{target.name}")
    shutil.rmtree(making, ignore_errors=True)
    if tree.overlaid:
        subprocess.run(["umount", str(tree.root)], check=True)
        tree.overlaid = False
        (tree.folder / "upper").rename(making)
    else:
        tree.root.rename(making)
    making.rename(target)
