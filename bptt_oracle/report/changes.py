"""Where two readings of a line differ, symbol by symbol: the same on the page, in the errata and in the README."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

_TOKEN = re.compile(r"\\(?:begin|end|operatorname|text)\{[^{}]*\}|\\[A-Za-z]+|\\.|\s+|\d+|.", re.DOTALL)
_SILENT = re.compile(r"\\(?:begin|end)\{.*|\\(?:left|right|\\)|[{}^_&]|\s+")


def differing(before: Sequence[str], after: Sequence[str]) -> tuple[set[int], set[int]]:
    """The positions of the symbols in which two readings differ.

    Where the second only leaves something out, the symbol before it is among them as well, so that both show it.
    """
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    changes = [change for change in matcher.get_opcodes() if change[0] != "equal"]
    only_left_out = all(change == "delete" for change, *_ in changes)
    first: set[int] = set()
    second: set[int] = set()
    for change, i, i_end, j, j_end in changes:
        back = {"delete": _ends_alike(before, i, i_end), "insert": _ends_alike(after, j, j_end)}.get(change, 0)
        shown = 1 if only_left_out and i > back else 0
        first.update(range(i - back - shown, i_end - back))
        second.update(range(j - back - shown, j_end - back))
    return first, second


def marked(printed: str, corrected: str, mark: str) -> tuple[str, str]:
    r"""Two readings in LaTeX, what differs as the argument of a command such as ``\underline``."""
    tokens = _TOKEN.findall(printed), _TOKEN.findall(corrected)
    seen = [[place for place, token in enumerate(each) if not _SILENT.fullmatch(token)] for each in tokens]
    texts = [[each[place] for place in places] for each, places in zip(tokens, seen, strict=True)]
    differ = differing(*texts)
    first, second = (
        _with_marks(each, {places[k] for k in found}, mark)
        for each, places, found in zip(tokens, seen, differ, strict=True)
    )
    return first, second


def _with_marks(tokens: Sequence[str], places: set[int], mark: str) -> str:
    """The tokens with each run of those at `places` in one mark; what is raised or lowered is in braces already."""
    written: list[str] = []
    for place, token in enumerate(tokens):
        if place not in places:
            written.append(token)
            continue
        begins = place - 1 not in places
        bare = begins and place > 0 and tokens[place - 1] in ("^", "_")  # one symbol, which has no braces of its own
        ends = place + 1 not in places or bare
        opening = ("{" if bare else "") + mark + "{"
        written.append((opening if begins else "") + token + ("}" if ends else "") + ("}" if bare else ""))
        if bare:
            places = places - {place}
    return "".join(written)


def _ends_alike(texts: Sequence[str], start: int, end: int) -> int:
    """1 if a block ends like what stands before it: "l)(" after "(" is "(l)", the same change, one place earlier."""
    return int(start > 0 and texts[start - 1] == texts[end - 1])
