"""Whether everybody can use a page: axe-core, an npm package, run in the browser.

`make test` puts it beside `package-lock.json` where npm is installed; PERENNIAL_AXE names another copy of axe.min.js.
"""

import os
from pathlib import Path
from typing import Any

from browser import Browser

PROGRAM = Path(os.environ.get("PERENNIAL_AXE") or Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js")
MISSING = f"no axe-core: {PROGRAM} is not there (`npm ci --prefix tests` puts it there)"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def complaints(page: Browser) -> list[list[Any]]:
    """What axe-core finds wrong with the open page, all its details opened: [rule, the first elements]."""
    page.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.run(PROGRAM.read_text("utf-8"))
    return page.run(
        f"axe.run(document, {{runOnly: {RULES}}})"
        ".then(r => r.violations.map(v => [v.id, v.nodes.slice(0, 3).map(n => n.html)]))"
    )
