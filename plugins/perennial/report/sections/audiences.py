"""Who is in which audience, which gates held back the others, and what was sent."""

from functools import partial

from perennial.lifecycle.phrases import Words
from perennial.report import charts
from perennial.report.audience_words import PROBLEMS, SHORT, STATUS, TRIPPED
from perennial.report.facts import Night, Rows
from perennial.report.parts import Chart, Column, Part, Table
from perennial.report.text import count, labelled

ORDER = 90
TITLE = Words("Audiences and exports", "受众与导出")
LEAD = Words(
    "From everybody an audience means to those who go out. A long bar before the last one is what to work on: missing "
    "addresses and consents can be asked for, holdouts should stay.",
    "从受众定义的全部人到实际导出者。最后一格之前的长条即改进方向：地址与授权可以补齐，对照组应予保留。",
)
EMPTY = Words(
    "No audience is defined, or none was built yet. Describe one in config/audiences.yml, and give it a destination.",
    "尚未定义受众或尚未生成。请在 config/audiences.yml 中定义受众并指定目的地。",
)
GATES = Words("Gate by gate", "逐关")
DRAWN = 8  # the largest ones; the tables have all
QUERIES = {
    "gates": """
        select audience, destination, channel, gate, reason, coalesce(label_en, reason) as label_en,
            coalesce(label_zh, reason) as label_zh, count_before, count_ended, count_after
        from activation.audience_waterfall left join marts.dim_reasons using (reason)
        where kind = 'audience' or kind is null
        order by audience, destination, gate
    """,
    "plans": """
        select audience, destination, status, members_before, members, adds, updates, removes, bought_since, tripped
        from activation.export_runs where as_of = %(as_of)s order by audience, destination
    """,
    "problems": """
        select audience, problem, count_rows from activation.audience_problems
        where as_of = %(shown)s order by audience, problem
    """,
    "rejected": """
        select plans.audience, plans.destination, count(*) as refused
        from activation.export_rows as changes
        inner join activation.export_runs as plans using (plan)
        where plans.as_of = %(as_of)s and changes.status in ('rejected', 'failed')
        group by plans.audience, plans.destination
    """,
}


def parts(rows: Rows, night: Night) -> list[Part]:
    """A waterfall for each of the largest audiences, all of them as a table, and tonight's plans."""
    by_target: dict[tuple[str, str], list[dict]] = {}
    for row in rows["gates"]:
        by_target.setdefault((row["audience"], row["destination"]), []).append(row)
    if not by_target:
        return []
    found: list[Part] = []
    if rows["problems"]:
        found.append(_problems(rows["problems"], night))
    if rows["plans"]:
        found.append(_plans(rows["plans"], rows["rejected"], night))
    largest = sorted(by_target, key=lambda target: (-by_target[target][0]["count_before"], target))[:DRAWN]
    for number, target in enumerate(largest, 1):
        found.append(_waterfall(number, target, by_target[target], night))
    found.append(_all(by_target, night))
    return found


def _waterfall(number: int, target: tuple[str, str], gates: list[dict], night: Night) -> Chart:
    name = night.audience(target[0])
    meant, out = gates[0]["count_before"], gates[-1]["count_ended"]
    says = Words(
        f"Of {count(meant)} people whom the audience means, {count(out)} go out to {target[1]}.",
        f"受众包含{count(meant)}人，其中{count(out)}人导出至 {target[1]}。",
    )
    title = Words(f"{name.en} → {target[1]}", f"{name.zh} → {target[1]}")
    columns = [
        Column(Words("Gate", "关卡"), False),
        Column(Words("Came to it", "到达")),
        Column(Words("Ended there", "止于此")),
        Column(Words("Went on", "继续")),
    ]
    body = [
        [labelled(gate), count(gate["count_before"]), count(gate["count_ended"]), count(gate["count_after"])]
        for gate in gates
    ]
    draw = partial(_draw, gates)
    table = Table(Words(f"{GATES.en}: {title.en}", f"{GATES.zh}：{title.zh}"), columns, body)
    return Chart(f"audience-{number}", title, says, draw, table, is_half=True)


def _draw(gates: list[dict], language: str, width: int):
    means = "The audience" if language == "en" else "受众全部"
    meant = gates[0]["count_before"]
    steps = [{"label": means, "start": meant, "end": 0, "text": count(meant), "fill": "var(--mark)"}]
    for gate in gates[:-1]:
        if gate["count_ended"]:
            steps.append(
                {
                    "label": _short(gate, language),
                    "start": gate["count_before"],
                    "end": gate["count_after"],
                    "text": f"−{count(gate['count_ended'])}",
                    "fill": "var(--down)",
                }
            )
    last = gates[-1]
    out = last["count_ended"]
    steps.append({"label": _short(last, language), "start": out, "end": 0, "text": count(out), "fill": "var(--up)"})
    return charts.waterfall(steps, width)


def _short(gate: dict, language: str) -> str:
    return getattr(SHORT[gate["reason"]], language) if gate["reason"] in SHORT else gate["reason"]


def _plans(plans: list[dict], rejected: list[dict], night: Night) -> Table:
    refused = {(row["audience"], row["destination"]): row["refused"] for row in rejected}
    columns = [
        Column(Words("Audience", "受众"), False),
        Column(Words("Destination", "目的地"), False),
        Column(Words("Had", "原有")),
        Column(Words("Is to have", "应有")),
        Column(Words("Added", "新增")),
        Column(Words("Updated", "更新")),
        Column(Words("Taken out", "移除")),
        Column(Words("Bought since", "期间已购")),
        Column(Words("Refused", "被拒")),
        Column(Words("State", "状态"), False),
    ]
    names = ("members_before", "members", "adds", "updates", "removes", "bought_since")
    body = []
    for row in plans:
        numbers = [row[name] for name in names] + [refused.get((row["audience"], row["destination"]), 0)]
        body.append([night.audience(row["audience"]), row["destination"], *map(count, numbers), _state(row)])
    caption = Words(
        "Tonight's plans. One that waits goes out after `perennial approve`.",
        "今晚的导出计划。等待中的计划需经 `perennial approve` 批准后发送。",
    )
    return Table(caption, columns, body, is_open=True)


def _state(row: dict) -> Words:
    state = STATUS.get(row["status"], Words(row["status"], row["status"]))
    if row["status"] not in ("waiting", "unevaluable") or not row["tripped"]:
        return state
    why = [TRIPPED.get(name, Words(name, name)) for name in row["tripped"]]
    return Words(f"{state.en}: {', '.join(w.en for w in why)}", f"{state.zh}：{'、'.join(w.zh for w in why)}")


def _problems(problems: list[dict], night: Night) -> Table:
    columns = [
        Column(Words("Audience", "受众"), False),
        Column(Words("Problem", "问题"), False),
        Column(Words("Rows", "行数")),
    ]
    body = [
        [
            night.audience(row["audience"]),
            PROBLEMS.get(row["problem"], Words(*[row["problem"]] * 2)),
            count(row["count_rows"]),
        ]
        for row in problems
    ]
    caption = Words(
        "Stopped tonight: nothing was sent, its members stay. Mend the query in config/audiences/.",
        "今晚已停止：未发送任何内容，成员保持不变。请修正 config/audiences/ 中的查询。",
    )
    return Table(caption, columns, body, is_open=True)


def _all(by_target: dict[tuple[str, str], list[dict]], night: Night) -> Table:
    columns = [
        Column(Words("Audience", "受众"), False),
        Column(Words("Destination", "目的地"), False),
        Column(Words("Means", "定义人数")),
        Column(Words("No address or consent", "无地址或授权")),
        Column(Words("Held out", "对照组")),
        Column(Words("Not now", "暂不触达")),
        Column(Words("Go out", "导出")),
    ]
    body = []
    for (audience, destination), gates in by_target.items():
        ended = {gate["reason"]: gate["count_ended"] for gate in gates}
        held = ended.get("holdout", 0) + ended.get("holdout_universal", 0)
        refused = sum(
            ended.get(reason, 0)
            for reason in (
                "erased",
                "no_address",
                "consent_denied",
                "no_consent",
                "complaint",
                "unsubscribed",
                "blocked",
                "bounced",
            )
        )
        meant, out = gates[0]["count_before"], ended.get("export", 0)
        later = meant - held - refused - out
        body.append([night.audience(audience), destination, *map(count, (meant, refused, held, later, out))])
    return Table(Words("Every audience and destination", "全部受众与目的地"), columns, body)
