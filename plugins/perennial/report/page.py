"""The page around the sections: one file that loads nothing from anywhere."""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import jinja2
from markupsafe import Markup

from perennial.lifecycle.phrases import Words
from perennial.report import drawing
from perennial.report.bilingual import both
from perennial.report.facts import Night
from perennial.report.parts import Cell, Chart, Part
from perennial.report.text import day_words, masked
from perennial.report.verdict import Verdict

HERE = Path(__file__).parent
SHORT = 24  # letters
LANGUAGES = ("en", "zh")
WIDE, HALF, NARROW = 980, 370, 330  # pixels: the page, half of it, a phone


@dataclass(frozen=True)
class Section:
    """A section that is ready to be shown; without parts it says what to do."""

    name: str
    title: Words
    lead: Words
    empty: Words
    parts: list[Part]

    @classmethod
    def of(cls, name: str, module: ModuleType, parts: list[Part]) -> "Section":
        """What a module of `sections/` says about itself, and the parts it made."""
        return cls(name, module.TITLE, module.LEAD, module.EMPTY, parts)


def render(night: Night, verdict: Verdict, sections: list[Section]) -> str:
    """The whole page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"both": both, "fit": fit, "kind": lambda part: type(part).__name__}
    environment.globals |= {"drawings": drawings, "words": Words, "day_words": day_words}
    body = environment.get_template("body.html").render(night=night, verdict=verdict, sections=sections)
    script = (HERE / "page.js").read_text("utf-8")
    return environment.get_template("page.html").render(
        title=title(night),
        style=Markup((HERE / "page.css").read_text("utf-8")),
        script=Markup(script),
        script_hash=b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        body=Markup(masked(body)),  # whatever a query, a check or a label says: no contact detail leaves by this page
    )


def title(night: Night) -> Words:
    """What the window is called."""
    if night.as_of is None:
        return Words("Perennial: nightly report", "Perennial：每晚报告")
    return Words(f"Perennial: night of {night.as_of}", f"Perennial：{night.as_of} 晚间报告")


def fit(words: Cell) -> str:
    """How a cell is set: short ones on one line, long ones not narrower than a few words."""
    text = words if isinstance(words, str) else words.en
    return "short" if len(text) <= SHORT else "long"


def drawings(section: str, chart: Chart) -> Markup:
    """The chart in both languages, a big one for wide and for narrow pages; the page shows one of them."""
    sizes = {"one": HALF} if chart.is_half else {"wide": WIDE, "narrow": NARROW}
    drawn = []
    for language in LANGUAGES:
        for size, width in sizes.items():
            name = f"{section}-{chart.name}-{language}-{size}"
            words = getattr(chart.title, language), getattr(chart.says, language)
            svg = drawing.svg(chart.draw(language, width), name, *words)
            drawn.append(f'<div class="{language} {size}" lang="{language}">{svg}</div>')
    return Markup("".join(drawn))
