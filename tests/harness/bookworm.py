"""The file tree of a Debian 12 machine (systemd 252, polkit 122) with the package.

Debian 12 has no JupyterLab package, so it comes from `hubctl env create`, run while the tree is made; the booted machine
has no network.
"""
from harness import image, package, paths

ENVIRONMENT = "/opt/hubd/env"


def layers(deb):
    """[installed with the environment, base]."""
    return package.installed(deb, "bookworm", after=_make_environment, label="with-env")


def _make_environment(root):
    downloads = paths.CACHE / "pip"
    downloads.mkdir(exist_ok=True)
    image.chroot(
        root, ["hubctl", "env", "create", "--language", "zh-CN"], network=True, binds=[(downloads, "/root/.cache/pip", "rw")],
    )
    image.chroot(root, ["test", "-x", f"{ENVIRONMENT}/bin/jupyter-lab"])
