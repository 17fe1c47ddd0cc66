"""What the HTML pages share: one style sheet, a document without scripts, tables.

A page is well-formed as XML too, is one file, and fetches nothing. It is light on every screen:
colours are told apart on white.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["cells", "document", "table"]

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 sans-serif; color: #222; background: #fff; max-width: 1120px;
  margin: 2em auto; padding: 0 1em; overflow-wrap: break-word; }
h1 { margin-bottom: 0.2em; line-height: 1.2; } h2 { margin-top: 1.8em; }
table { border-collapse: collapse; margin: 0.6em 0 1.2em; font-size: 14px; }
th, td { text-align: right; vertical-align: top; padding: 0.3em 0.55em;
  border-bottom: 1px solid #e3e3e3; white-space: nowrap; }
th { color: #555; font-weight: normal; vertical-align: bottom; }
td.t, th.t { text-align: left; white-space: normal; min-width: 22em; overflow-wrap: anywhere; }
td.k, th.k { text-align: left; }
tr.front td { background: #e6f2e6; }
.wide { overflow-x: auto; max-width: 100%; }
.yes { color: #1b7f4b; } .no { color: #b3261e; font-weight: bold; }
.plots { display: flex; flex-wrap: wrap; gap: 1.4em 1.6em; }
figure { margin: 0; max-width: 100%; } figure svg { max-width: 100%; height: auto; }
figcaption, small, .dim { color: #5c5c5c; font-size: 13px; } figcaption { max-width: 520px; }
small { display: block; } .key { display: block; max-width: 13em; }
td.t:first-child, th.t:first-child { min-width: 8em; }
.keys { font-size: 13px; line-height: 1.9; } .keys span { margin-right: 1.1em;
  white-space: nowrap; } .keys i { display: inline-block; width: 0.9em; height: 0.9em;
  margin-right: 0.4em; border: 1px solid; border-radius: 2px; vertical-align: -0.1em; }
code { font-size: 12.5px; overflow-wrap: anywhere; }
pre { overflow-x: auto; font-size: 12.5px; line-height: 1.3; }
ul { padding-left: 1.4em; }
@media (max-width: 600px) { body { font-size: 14px; margin: 1em auto; } }
@media print { .wide { overflow: visible; } body { max-width: none; } }
"""
# not allowed in XML, and of no use in a page
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def document(title: str, body: Iterable[str]) -> str:
    """A whole page; ends in a newline."""
    text = "".join([
        '<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en"><head>'
        '<meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n",
        *body, "</body></html>\n"])
    return _CONTROLS.sub("\ufffd", text)


def table(header: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]]) -> str:
    """A table that scrolls by itself when the window is narrow.

    `header`: (title, class) of each column: "" for figures, "k" for words, "t" for sentences.
    """
    kinds = [kind for _, kind in header]
    head = f"<thead>{cells('th', header)}</thead>" if any(name for name, _ in header) else ""
    body = "".join(cells("td", list(zip(row, kinds, strict=True))) for row in rows)
    return f'<div class="wide"><table>{head}<tbody>{body}</tbody></table></div>\n'


def cells(tag: str, texts: Sequence[tuple[str, str]], marks: str = "") -> str:
    """A row of cells, each (text, class)."""
    inside = "".join(f"<{tag}{_class(kind)}>{escape(text)}</{tag}>" for text, kind in texts)
    return f"<tr{marks}>{inside}</tr>\n"


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
