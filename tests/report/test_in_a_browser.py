"""The HTML pages in a headless browser, in windows of three widths.

Nothing is asked of the network, nothing is reported on the console, nothing stands out of the
window or of its picture, and no two texts of a picture lie on one another.

The page is put into frames of another page, whose script looks at it; the page itself has none.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDTHS = (1280, 800, 390)
# what the frame may do: show itself; whatever it asks of the network is reported
POLICY = ('<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
          'style-src \'unsafe-inline\'"/>')
SCRIPT = """
const found = [];
function inside(inner, outer, by) {
  return inner.left >= outer.left - by && inner.right <= outer.right + by
      && inner.top >= outer.top - by && inner.bottom <= outer.bottom + by;
}
function crossing(one, two) {
  return Math.min(one.right, two.right) - Math.max(one.left, two.left) > 1
      && Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top) > 2;
}
function look(frame) {
  const page = frame.contentDocument, root = page.documentElement, faults = [];
  if (root.scrollWidth > root.clientWidth)
    faults.push('as wide as ' + root.scrollWidth + ' in ' + root.clientWidth);
  for (const entry of frame.contentWindow.performance.getEntriesByType('resource'))
    faults.push('fetches ' + entry.name);
  let texts = 0;
  for (const svg of page.querySelectorAll('svg')) {
    const outer = svg.getBoundingClientRect(), boxes = [];
    if (!outer.width) { faults.push('a picture without width'); continue; }
    for (const text of svg.querySelectorAll('text')) {
      const box = text.getBoundingClientRect();
      texts += 1;
      if (!inside(box, outer, 1)) faults.push('outside of its picture: ' + text.textContent);
      for (const [other, words] of boxes)
        if (!text.closest('.label') && crossing(box, other))
          faults.push(words + ' lies on ' + text.textContent);
      if (!text.closest('.label')) boxes.push([box, text.textContent]);
    }
  }
  for (const cell of page.querySelectorAll('p, li, h1, h2, h3, figcaption')) {
    const box = cell.getBoundingClientRect();
    if (box.right > root.clientWidth + 1) faults.push('cut off: ' + cell.textContent.slice(0, 60));
  }
  found.push({width: frame.clientWidth, shown: page.body.innerText.length, texts: texts,
              faults: [...new Set(faults)]});
}
window.addEventListener('load', () => {
  document.querySelectorAll('iframe').forEach(look);
  const end = document.createElement('pre');
  end.id = 'found';
  end.textContent = JSON.stringify(found);
  document.body.append(end);
});
"""


def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser is installed (none of {', '.join(BROWSERS)})")
    return found


def looked_at(page: str, folder: Path) -> tuple[list[dict[str, Any]], str]:
    """What the script says of each width, and what the browser logged."""
    guarded = page.replace("<head>", f"<head>{POLICY}", 1)
    frames = "".join(f'<iframe width="{width}" height="900" srcdoc="{escape(guarded)}"></iframe>'
                     for width in WIDTHS)
    harness = folder / "harness.html"
    harness.write_text('<!DOCTYPE html><html><head><meta charset="utf-8"><title>h</title>'
                       f"<script>{SCRIPT}</script></head><body>{frames}</body></html>")
    ran = subprocess.run(
        [browser(), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--hide-scrollbars", "--enable-logging=stderr",
         "--virtual-time-budget=20000", f"--user-data-dir={folder / 'profile'}", "--dump-dom",
         harness.as_uri()], capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r'<pre id="found">(.*?)</pre>', ran.stdout, re.DOTALL)
    assert found, f"the browser showed nothing: {ran.stderr[-2000:]}"
    told: list[dict[str, Any]] = json.loads(unescape(found[1]))
    return told, "\n".join(line for line in ran.stderr.splitlines() if "CONSOLE" in line)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sweep", "names", "replay", "reproduce"])
def test_a_page_in_three_windows(page_of: Callable[[str], str], name: str, tmp_path: Path) -> None:
    found, console = looked_at(page_of(name), tmp_path)
    assert [each["width"] for each in found] == list(WIDTHS)
    assert all(each["shown"] > 100 and each["texts"] > 5 for each in found)
    assert {each["width"]: each["faults"] for each in found if each["faults"]} == {}
    assert console == ""


@pytest.mark.slow
def test_faults_are_seen(tmp_path: Path) -> None:
    page = ('<!DOCTYPE html><html><head></head><body><p style="width:3000px">wide</p>'
            '<img src="http://127.0.0.1:9/none.png"/><svg viewBox="0 0 9 9" width="99" height="99">'
            '<text x="8" y="5">out</text><text x="8" y="5">over</text></svg></body></html>')
    found, console = looked_at(page, tmp_path)
    faults = found[0]["faults"]
    assert any("as wide as" in fault for fault in faults)
    assert any("outside of its picture: out" in fault for fault in faults)
    assert "out lies on over" in faults and "cut off: wide" in faults
    assert "Content Security Policy" in console
