"""Does it build with Debian 13's own Rust? `python -m harness.compiler` checks the workspace with it.

The compiler lives in a cached tree that is entered with chroot; the sources are seen read-only,
what cargo writes goes to the cache.
"""
import subprocess

from harness import image, paths
from harness.container import Container

SOURCES = "/src"
TARGET = "/cargo-target"
HOME = "/cargo-home"


def main():
    """Checks every package and every test of the workspace, with the versions of Cargo.lock."""
    tree = Container([image.base("compiler")], "compiler")
    folders = {TARGET: paths.CACHE / "compiler-target", HOME: paths.CACHE / "compiler-cargo"}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    binds = [(paths.REPOSITORY, SOURCES, "ro"), *((folder, where, "rw") for where, folder in folders.items())]
    try:
        tree.mount()
        image.chroot(tree.root, ["rustc", "--version"])
        image.chroot(
            tree.root,
            ["cargo", "check", "--locked", "--workspace", "--all-targets", f"--manifest-path={SOURCES}/Cargo.toml"],
            network=True, binds=binds,
            environment={"CARGO_TARGET_DIR": TARGET, "CARGO_HOME": HOME, "CARGO_INCREMENTAL": "0"},
        )
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"with Debian 13's own compiler: {error}") from error
    finally:
        tree.close()


if __name__ == "__main__":
    main()
