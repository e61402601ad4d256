"""axe-core, which judges pages by the rules of WCAG; fetched once into the cache by npm, and pinned."""
import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from functools import lru_cache
from pathlib import Path

from harness import image, paths

VERSION = "4.14.1"
# As the registry's own `dist.integrity`: another file under the same version is refused.
SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
JUDGE = """
const [rules, done] = arguments;
axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']}).then(result => done(
  result.violations.map(found => found.id + ': ' + found.help + ' at ' +
    found.nodes.slice(0, 4).map(node => node.target.join(' ') + ' (' + (node.any[0] || node.all[0] || node.none[0] ||
      {message: ''}).message + ')').join(' | '))
), error => done(['axe-core: ' + error]));
"""


@lru_cache
def source():
    """The script."""
    kept = paths.CACHE / f"axe-core-{VERSION}.tgz"
    with image.lock("axe-core"):
        if not kept.exists():
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run(
                    ["npm", "pack", "--silent", f"axe-core@{VERSION}", "--pack-destination", folder],
                    check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=folder,
                )
                shutil.move(next(Path(folder).glob("*.tgz")), kept)
    found = base64.b64encode(hashlib.sha512(kept.read_bytes()).digest()).decode()
    assert found == SHA512, f"{kept} is not axe-core {VERSION}: {found}"
    with tarfile.open(kept) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


def violations(driver):
    """What breaks WCAG 2.2 AA on the page that the browser shows, one text each."""
    driver.execute_script(source() + "\nwindow.axe = axe;")
    driver.set_script_timeout(60)
    return driver.execute_async_script(JUDGE, RULES)
