"""A back-test for people."""

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from perennial.lifecycle.backtest.measure import MEMORY, YARDSTICK, Outcome
from perennial.lifecycle.backtest.metrics import Counts, best, wilson
from perennial.lifecycle.backtest.rules import Rule
from perennial.lifecycle.backtest.run import Backtest, Tested

WHY = "the highest F1: a customer missed weighs like one flagged for nothing"


def show(found: Backtest, console: Console | None = None) -> None:
    """Print who was asked, then the sweep of a single model or the comparison of several."""
    console = console or Console()
    console.print(
        f"\n[bold]Who stays silent for {found.horizon} days?[/] Asked at the end of each origin about everybody with "
        f"an order in the {MEMORY} days before, with what was known then; answered by the orders up to {found.as_of}.",
        highlight=False,
    )
    _print(console, _origins(found))
    if len(found.models) == 1:
        _one(found, found.models[0], console)
    else:
        _several(found, console)
    console.print("Kept in marts.lifecycle_backtest and marts.lifecycle_backtest_models.", highlight=False)


def _origins(found: Backtest) -> Table:
    table = _table("origin", "used for")
    for column in ("customers", "silent", "base rate"):
        table.add_column(column, justify="right")
    for origin, counts in found.asked.items():
        table.add_row(
            str(origin), found.uses[origin], f"{counts.customers:,}", f"{counts.silent:,}", share(counts.base_rate, 1)
        )
    return table


def _one(found: Backtest, tested: Tested, console: Console) -> None:
    name, judged = tested.model.name, found.judged
    earlier = tested.pooled(found.choosing)
    console.print(f"[bold]{tested.name}[/]: {name.en} {name.zh}. Every rule on {judged}:", highlight=False)
    table = _table("flagged if")
    for column in ("flagged", "precision (95 %)", "recall", "F1", "before", "lift", "lead", "at risk", "lost"):
        table.add_column(column, justify="right", no_wrap=True)
    kind = None
    for rule, outcome in tested.at(judged).items():
        if kind not in (None, rule.kind):
            table.add_section()
        kind = rule.kind
        table.add_row(
            in_words(tested, rule),
            *_scores(outcome),
            number(earlier[rule].f1) if rule in earlier else "·",
            number(outcome.counts.lift, 1),
            _days(outcome.lead_days),
            f"{outcome.revenue_at_risk:,.0f}",
            f"{outcome.revenue_lost:,.0f}",
            style="bold" if rule == tested.suggested else None,
        )
    _print(console, table)
    console.print(
        f"Before: F1 on the origins used for choosing. Lead: median days before a plain rule of {YARDSTICK} silent "
        f"days would have flagged those who stayed silent. At risk: net revenue of the flagged in the {MEMORY} days "
        "before; lost: of those who stayed silent.\n",
        highlight=False,
    )
    _ladder(found, tested, console)
    _suggestion(found, tested, console)
    _rankings(found, tested, console)


def _scores(outcome: Outcome) -> list[str]:
    counts = outcome.counts
    interval = wilson(counts.hits, counts.flagged)
    precision = f"{share(counts.precision)} ({100 * interval[0]:.0f}-{100 * interval[1]:.0f})" if interval else "·"
    return [f"{counts.flagged:,}", precision, share(counts.recall), number(counts.f1)]


def _ladder(found: Backtest, tested: Tested, console: Console) -> None:
    rules = [rule for rule in tested.at(found.judged) if rule.kind == "stage"]
    if not rules:
        console.print("The model has no declining or lost stage; only thresholds can be tested.\n")
        return
    console.print("[bold]Down the path[/]: how many of each single stage stayed silent")
    table = _table("stage")
    for column in (f"on {found.judged}", "silent", "all origins", "silent"):
        table.add_column(column, justify="right")
    newest, pooled = tested.alone([found.judged]), tested.alone(list(found.asked))
    for rule in [None, *rules]:
        table.add_row(
            label(tested, rule.name) if rule else "all others",
            f"{newest[rule].customers:,}",
            share(newest[rule].base_rate, 1),
            f"{pooled[rule].customers:,}",
            share(pooled[rule].base_rate, 1),
        )
    _print(console, table)


def _suggestion(found: Backtest, tested: Tested, console: Console) -> None:
    if not tested.suggested:
        console.print(_why_none(found) + "\n", highlight=False)
        return
    before, after = tested.pooled(found.choosing)[tested.suggested], tested.at(found.judged)[tested.suggested]
    console.print(
        f"[bold]Suggested: {in_words(tested, tested.suggested)}[/], {WHY}. Chosen on {_span(found)} "
        f"(F1 {number(before.f1)}, precision {share(before.precision)}, recall {share(before.recall)}), judged on "
        f"{found.judged}, which had no say in it: F1 {number(after.counts.f1)}, precision "
        f"{share(after.counts.precision)}, recall {share(after.counts.recall)}, lead {_days(after.lead_days)} days.",
        highlight=False,
    )
    others = [
        f"{in_words(tested, rule)}: {number(tested.pooled(found.choosing)[rule].f1)}, then "
        f"{number(tested.at(found.judged)[rule].counts.f1)}"
        for rule in tested.chosen.values()
        if rule != tested.suggested
    ]
    if others:
        console.print("The best of the other kinds by F1: " + "; ".join(others) + ".", highlight=False)


def _rankings(found: Backtest, tested: Tested, console: Console) -> None:
    total = sum(found.asked.values(), Counts())
    console.print(
        f"Average precision of the order by stage {number(tested.average_precision, 3)}, by recency alone "
        f"{number(found.recency, 3)}, by silence in personal cycles {number(found.cycles, 3)}, by chance "
        f"{number(total.base_rate, 3)} (all origins; a few stages are a coarser order than days).\n",
        highlight=False,
    )


def _several(found: Backtest, console: Console) -> None:
    console.print(
        f"[bold]The best stage of each model[/] (who is in it or a worse one), chosen on {_span(found)}, "
        f"judged on {found.judged}"
        if found.choosing
        else f"[bold]The mildest declining stage of each model[/] (who is in it or a worse one) on {found.judged}",
        highlight=False,
    )
    table = _table("model", "flagged if")
    for column in ("before", "flagged", "precision (95 %)", "recall", "F1", "lead", "AP"):
        table.add_column(column, justify="right", no_wrap=True)
    for tested in found.models:
        mildest = next((rule for rule in tested.at(found.judged) if rule.kind == "stage"), None)
        rule = tested.chosen.get("stage") if found.choosing else mildest
        _best_row(found, table, tested.name, tested, rule, tested.average_precision)
    table.add_section()
    for kind, title, precision in (
        ("days", "fixed days", found.recency),
        ("cycles", "personal pace", found.cycles),
    ):
        tested, rule = _best_of(found, kind)
        _best_row(found, table, title, tested, rule, precision)
    _print(console, table)
    if not found.choosing:
        console.print(_why_none(found), highlight=False)
    total = sum(found.asked.values(), Counts())
    console.print(
        f"Best: {WHY}; before: F1 on the origins used for choosing. AP: average precision over all origins, of the "
        f"order by stage, by recency, by silence in personal cycles; by chance {number(total.base_rate, 3)}. A few "
        "stages are a coarser order than days. --model shows every threshold of one.\n",
        highlight=False,
    )


def _best_of(found: Backtest, kind: str) -> tuple[Tested, Rule | None]:
    """The best rule of a kind that is not a model's own; personal pace comes with the floors of all models."""
    rules = {
        rule: (tested, counts)
        for tested in reversed(found.models)
        for rule, counts in tested.pooled(found.choosing).items()
        if rule.kind == kind
    }
    rule = best({rule: counts for rule, (_, counts) in rules.items()})
    return (rules[rule][0] if rule else found.models[0]), rule


def _best_row(
    found: Backtest, table: Table, title: str, tested: Tested, rule: Rule | None, precision: float | None
) -> None:
    if rule is None:
        table.add_row(title, *["·"] * 7, number(precision, 3))
        return
    before, after = tested.pooled(found.choosing).get(rule, Counts()), tested.at(found.judged)[rule]
    table.add_row(
        title,
        label(tested, rule.name) if rule.kind == "stage" else in_words(tested, rule),
        number(before.f1),
        *_scores(after),
        _days(after.lead_days),
        number(precision, 3),
    )


def _why_none(found: Backtest) -> str:
    if found.choosing:
        return "No threshold is suggested: no rule flagged anybody who then stayed silent."
    return (
        f"No threshold is suggested: no earlier origin's {found.horizon} days were over by {found.judged}, so there is "
        "nothing to choose on that the judged origin does not share. Pass an earlier --origin, or a shorter --horizon."
    )


def _span(found: Backtest) -> str:
    days = [str(day) for day in found.choosing]
    return f"{days[0]} to {days[-1]}" if len(days) > 1 else days[0]


def label(tested: Tested, stage: str) -> str:
    """A stage in both languages."""
    text = next(s.label for s in tested.model.stages if s.stage == stage)
    return f"{text.en} {text.zh}"


def in_words(tested: Tested, rule: Rule) -> str:
    """A rule as people say it."""
    if rule.kind == "stage":
        worst = max(tested.model.decline_path.items(), key=lambda place: place[1])[0]
        return label(tested, rule.name) + ("" if rule.name == worst else " or worse")
    if rule.kind == "days":
        return f"> {rule.floor_days} days"
    cycles = "1 cycle" if rule.cycles == 1 else f"{rule.cycles:g} cycles"
    return f"> {cycles}" + (f", {rule.floor_days} days" if rule.floor_days else "")


def share(value: float | None, digits: int = 0) -> str:
    """A share in percent."""
    return "·" if value is None else f"{100 * value:.{digits}f} %"


def number(value: float | None, digits: int = 2) -> str:
    """A number with so many digits."""
    return "·" if value is None else f"{value:.{digits}f}"


def _days(value: float | None) -> str:
    return "·" if value is None else f"{value:.0f}"


def _print(console: Console, table: Table) -> None:
    """Print a table whole: a narrower terminal breaks its lines, but nothing is cut off."""
    usual = console.width
    wide = console.options.update(max_width=1000)
    console.width = max(usual, Measurement.get(console, wide, table).maximum)
    console.print(table)
    console.width = usual


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table
