"""Faults for a block's RTL, drawn from a seed: what `rackwright hdl mutate` puts into it.

A tokenizer, no parser: it knows comments, strings, ports, parameter checks and declarations well
enough to leave them alone, and takes one operator, constant, condition or assignment of what is
left. Left alone as well: initial values of registers (the benches reset first) and the default
``x_next = x_reg;`` (dropped, it makes a latch that follows the register; a linter finds that).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Fault", "faults", "sample"]

# what is put in the place of an operator
_OPERATORS = {
    "+": "-", "-": "+", "*": "+", "&&": "||", "||": "&&", "==": "!=", "!=": "==", "<": "<=",
    "<=": "<", ">": ">=", ">=": ">", "&": "|", "|": "&", "^": "|", "<<": ">>", ">>": "<<",
    "!": "", "~": ""}
_TOKEN = re.compile(
    r"(?P<number>\d*'s?[bdhoBDHO][0-9a-fA-F_xXzZ]+|\b\d+\b)|(?P<word>[A-Za-z_$][\w$]*|`\w+)"
    r"|(?P<operator><<<|>>>|&&|\|\||[=!]==?|<=|>=|<<|>>|\+:|-:|[-+*/%&|^~!<>=?:;,.#@(){}\[\]])")
_HIDDEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"[^\"\n]*\"", re.DOTALL)
# parts with nothing to break: the header with its ports, parameter checks, initial values
_ELSEWHERE = (
    re.compile(r"\bmodule\b.*?\)\s*;", re.DOTALL),
    re.compile(r"^initial begin\n.*?^end$", re.DOTALL | re.MULTILINE),
    re.compile(r"^\s*initial for[^\n]*begin\n.*?^\s*end$", re.DOTALL | re.MULTILINE),
    re.compile(r"^\s*initial [^\n]*;$", re.MULTILINE),
    re.compile(r"\b(?:reg|integer|genvar|input|output)\b[^;]*;"),
    re.compile(r"(?:(?<=wire)|(?<=signed)|(?<=localparam)|(?<=function))\s*\[[^\]]*\]"),
    re.compile(r"(?<=\{)[^{};]+(?=\{1'b[01]\}\})"),   # a count of zeros: what is too long is cut
    re.compile(r"^`\w+[^\n]*|@\*", re.MULTILINE))
_ASSIGNMENT = re.compile(r"^[ \t]*(?:if \([^\n;]*\) )?(?P<what>[\w\[\]:+*. -]+? <?= [^;]+;)",
                         re.MULTILINE)
_DEFAULT = re.compile(r"(\w+)_next = \1_reg;")
_CONDITION = re.compile(r"\bif \(")
_RESET = re.compile(r"^( *)if \(rst\) begin\n(.*?)^\1end$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Fault:
    """`before`, which stands at `start` of the text (line `line`), becomes `after`."""

    kind: str
    line: int
    start: int
    before: str
    after: str
    source: str       # the whole line, without its margin

    def put_into(self, text: str) -> str:
        """The text with this fault."""
        return text[:self.start] + self.after + text[self.start + len(self.before):]

    @property
    def change(self) -> str:
        """The change, on one line."""
        before, after = (" ".join(part.split()) for part in (self.before, self.after))
        return f"{before} -> {after or 'nothing'}"


def faults(text: str) -> list[Fault]:
    """Every fault that fits this Verilog text, by place.

    >>> [one.change for one in faults("assign y = a && !b;")]
    ['&& -> ||', '! -> nothing']
    """
    code = _masked(text)
    found = [*_tokens(code), *_conditions(code), *_dropped(code)]
    return sorted({(one.start, one.after): one for one in
                   (_fault(text, *row) for row in found)}.values(),
                  key=lambda one: (one.start, one.after))


def sample(text: str, count: int, seed: int) -> list[Fault]:
    """`count` of them (all, if there are fewer), drawn kind by kind in turn, by place."""
    import numpy as np  # here, since every bench imports this package

    draws = np.random.default_rng(seed)
    every = faults(text)
    kinds: dict[str, list[Fault]] = {}
    for place in draws.permutation(len(every)):
        kinds.setdefault(every[place].kind, []).append(every[place])
    drawn: list[Fault] = []
    while len(drawn) < min(count, len(every)):
        for kind in sorted(kinds):
            if kinds[kind] and len(drawn) < count:
                drawn.append(kinds[kind].pop())
    return sorted(drawn, key=lambda one: (one.start, one.after))


def _fault(text: str, kind: str, start: int, before: str, after: str) -> Fault:
    line = text.count("\n", 0, start) + 1
    return Fault(kind, line, start, text[start:start + len(before)], after,
                 text.splitlines()[line - 1].strip())


def _masked(text: str) -> str:
    """The text with blanks for all that is to be left alone; every place stays where it is."""
    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    for pattern in (_HIDDEN, *_ELSEWHERE):
        text = pattern.sub(blank, text)
    return text


def _tokens(code: str) -> Iterator[tuple[str, int, str, str]]:
    """Operators and constants replaced, ready and valid swapped."""
    depth, fresh, last, loop = 0, True, "", False
    for token in _TOKEN.finditer(code):
        one, start = token[0], token.start()
        if token["number"]:
            yield from (("constant", start, one, other)
                        for other in _constants(one)[_widens(code, token, last)])
        elif token["word"]:
            other = re.sub(r"tvalid$|tready$", lambda end: "tready" if end[0] == "tvalid"
                           else "tvalid", one)
            if other != one and last != "." and last != "assign":
                yield "handshake", start, one, other
        elif one == "-" and re.match(r"-\w+:", code[start:]):
            pass             # the upper end of a part-select: wider than what takes it, so cut
        elif one in _OPERATORS and not (one == "<=" and depth == 0 and fresh) and not (
                one in "+-" and last in "([{,=?:") and not (one in "&|^" and last in "([{,=?:&|!"):
            # one round less of a loop; one more is a write outside the array, which does nothing
            yield "operator", start, one, "+ 1 <" if loop and one == "<" else _OPERATORS[one]
        depth += (one in "([{") - (one in ")]}") if token["operator"] else 0
        # `<=` is an assignment where a statement has shown nothing but its target
        if one in ("begin", "end", "always"):
            depth = 0
        if one in (";", "begin", "end", "else", ")", ":") and depth == 0:
            fresh = True
        elif one in ("=", "<=", "?"):
            fresh = False
        loop = one == "for" or (loop and depth > 0) or (last == "for" and one == "(")
        last = one


def _widens(code: str, token: re.Match[str], last: str) -> slice:
    """Which neighbours of a constant are worth a try: those that do not make a part-select wider,
    since it is cut to the width of what takes it."""
    upper = code[token.end():token.end() + 1] == ":"
    if last == "+:" or (upper and last == "["):
        return slice(1, None)
    return slice(0, 1) if upper and last == "-" else slice(None)


def _constants(number: str) -> list[str]:
    """Its neighbours; of a one-bit constant the other one."""
    match = re.fullmatch(r"(\d*)'([bdh])([0-9a-fA-F_]+)", number)
    if match is None:
        if not number.isdigit():
            return []
        return [str(int(number) + 1), *([str(int(number) - 1)] if int(number) else [])]
    base = {"b": 2, "d": 10, "h": 16}[match[2]]
    value = int(match[3].replace("_", ""), base) ^ 1
    digits = {"b": "b", "d": "d", "h": "x"}[match[2]]
    return [f"{match[1]}'{match[2]}{value:{digits}}"]


def _conditions(code: str) -> Iterator[tuple[str, int, str, str]]:
    for match in _CONDITION.finditer(code):
        end, depth = match.end(), 1
        while depth and end < len(code):
            depth += (code[end] == "(") - (code[end] == ")")
            end += 1
        inside = code[match.end():end - 1]
        if inside.strip() != "rst":
            yield "condition", match.end(), inside, f"!({inside})"


def _dropped(code: str) -> Iterator[tuple[str, int, str, str]]:
    """Assignments inside always blocks taken out, those of the reset as a kind of their own."""
    resets = [match.span() for match in _RESET.finditer(code)]
    for match in _ASSIGNMENT.finditer(code):
        what, start = match["what"], match.start("what")
        words = what.split(maxsplit=1)[0]
        if words in ("assign", "wire", "localparam", "for") or _DEFAULT.fullmatch(what):
            continue
        inside = any(first <= start < end for first, end in resets)
        yield "reset" if inside else "assignment", start, what, ";"
