"""Where the test bed reads from and writes to."""
import os
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
REPOSITORY = TESTS.parent
OUT = TESTS / "out"
SCREENSHOTS = OUT / "screenshots"
CACHE = Path(os.environ.get("HUBD_TEST_CACHE", "/var/cache/hubd-tests"))
IMAGES = CACHE / "images"
RUNNING = CACHE / "running"

# Debian's archive; another mirror may stand in for it.
MIRROR = os.environ.get("HUBD_TEST_MIRROR", "http://deb.debian.org/debian")
HOST_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
