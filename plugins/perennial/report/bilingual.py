"""Texts in both languages as HTML, of which a page shows one."""

import re

from markupsafe import Markup, escape

from perennial.report.parts import Cell

TYPED = re.compile(r"`([^`]+)`")


def both(words: Cell) -> Markup:
    """A text in both languages, of which the page shows one; a plain text as it is."""
    if isinstance(words, str):
        return escape(words)
    if words.en == words.zh:
        return _typed(words.en)
    told = (_typed(words.en), _typed(words.zh))
    return Markup('<span class="en">{}</span><span class="zh" lang="zh">{}</span>').format(*told)


def _typed(text: str) -> Markup:
    """The text, with `what one types` set apart."""
    return Markup(TYPED.sub(r"<code>\1</code>", str(escape(text))))
