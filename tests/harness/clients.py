"""A layer with JupyterHub's own programs, as people have them: Debian's 5.x, and 6.x and the idle culler from PyPI.

They are the clients the hub must get on with; none of them is changed. The layer lies between a
machine's image and the package under test, and is kept in the cache like them.
"""
import hashlib

from harness import image, package, paths

# Raise it when the way the layer is made changes in a manner that its other inputs do not show.
FORMAT = 1

DEBIAN = ("jupyterhub",)
# JupyterHub's single-user server and its libraries, of the release that the contract was measured from.
VENV = "/opt/jupyterhub6"
PYPI = ("jupyterhub>=6,<7", "jupyterlab>=4,<5", "jupyterhub-idle-culler>=2,<3")

# Debian's jupyterhub.service would take the hub's port: it is masked before it is there.
_INSTALL = """
set -eu
ln -s /dev/null /etc/systemd/system/jupyterhub.service
apt-get update --quiet=2
apt-get install --yes --quiet=2 --no-install-recommends "$@"
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb
"""
_PIP_CACHE = "/root/.cache/pip"


def layers():
    """The file tree of a Debian 13 machine with the clients: [clients, base]."""
    base = image.base("trixie")
    inputs = "\n".join([str(FORMAT), base.name, _INSTALL, VENV, *DEBIAN, *PYPI])
    return package.layer("clients", "trixie", [base], hashlib.sha256(inputs.encode()).hexdigest()[:16], _make)


def _make(root):
    image.chroot(root, ["sh", "-c", _INSTALL, "sh", *DEBIAN], network=True)
    downloads = paths.CACHE / "pip"
    downloads.mkdir(exist_ok=True)
    image.chroot(root, ["python3", "-m", "venv", VENV])
    image.chroot(
        root, [f"{VENV}/bin/pip", "install", "--quiet", *PYPI], network=True, binds=[(downloads, _PIP_CACHE, "rw")],
    )
