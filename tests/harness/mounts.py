"""Removing trees that may have something mounted in them: never what is mounted."""
import shutil
import subprocess
from pathlib import Path


def mounts_below(folder):
    """Mount points in a folder, the innermost first."""
    found = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return sorted((where for where in found if where.startswith(f"{folder}/")), key=len, reverse=True)


def remove_tree(folder):
    """Unmounts all that is mounted in a folder and then removes it; never reaches into a mounted tree."""
    for where in mounts_below(folder):
        subprocess.run(["umount", where], check=False)
    left = mounts_below(folder)
    if left:
        print(f"left behind, still mounted: {left}", flush=True)
        return
    shutil.rmtree(folder, ignore_errors=True)
