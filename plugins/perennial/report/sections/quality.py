"""Whether the night can be trusted: checks, totals in every layer, rows that were rejected."""

from functools import partial

from perennial.lifecycle.phrases import Words
from perennial.report import charts
from perennial.report.facts import Night, Rows
from perennial.report.parts import Chart, Column, Note, Part, Table
from perennial.report.text import count, labelled, number

ORDER = 110
TITLE = Words("Data quality", "数据质量")
LEAD = Words(
    "Every total must be the same in every layer, or nothing leaves. Rows that broke the contract wait in quarantine: "
    "mend their source or its mapping, then `perennial quarantine replay`.",
    "每个总数在各层必须一致，否则不导出。违反约定的行会被隔离：修正来源或映射后运行 `perennial quarantine replay`。",
)
EMPTY = Words(
    "Nothing was checked yet: no night has come to its gate. See the cost of the night below for the step that failed.",
    "尚未进行检查：没有一晚到达关卡。请在下方“运行成本”中查看失败的步骤。",
)
QUERIES = {
    "totals": """
        select total, layer, value, count(*) over (partition by total) as layers,
            min(value) over (partition by total) = max(value) over (partition by total) as agree
        from ops.reconciliation where as_of = %(as_of)s order by total, layer
    """,
    "checks": "select check_name, passed, severity, message from ops.gate_results where as_of = %(as_of)s "
    "order by passed, severity, check_name",
    "rejected": """
        select q.source, q.entity, q.column_name, q.reason, coalesce(r.label_en, q.reason) as label_en,
            coalesce(r.label_zh, q.reason) as label_zh, count(*) as rows,
            count(*) filter (where b.as_of = %(as_of)s) as new
        from quarantine.rejected_rows as q
        inner join ops.batches as b using (batch_id)
        left join marts.dim_reasons as r on r.kind = 'quarantine' and r.reason = q.reason
        where q.replayed_in is null
        group by 1, 2, 3, 4, 5, 6 order by 7 desc, 1, 2, 3, 4
    """,
    "landed": """
        select source, sum(rows_landed) as landed, sum(rows_loaded) as loaded, sum(rows_new) as new,
            sum(rows_quarantined) as rejected, sum(bytes) as bytes
        from ops.batches where as_of = %(as_of)s group by source order by source
    """,
}
TOP = 12


def parts(rows: Rows, night: Night) -> list[Part]:
    """Verdicts, then what was landed and rejected."""
    found: list[Part] = []
    if rows["checks"]:
        found.append(_verdict(rows["checks"]))
        found.append(_checks(rows["checks"]))
    if rows["totals"]:
        found.append(_totals(rows["totals"]))
    if rows["landed"]:
        found.append(_landed(rows["landed"]))
    if rows["rejected"]:
        found.append(_rejected(rows["rejected"]))
    return found


def _verdict(checks: list[dict]) -> Note:
    failed = [check for check in checks if not check["passed"] and check["severity"] == "block"]
    warned = [check for check in checks if not check["passed"] and check["severity"] == "warn"]
    if not failed and not warned:
        told = Words(f"All {count(len(checks))} checks passed.", f"{count(len(checks))}项检查全部通过。")
        return Note(told, "good")
    return Note(
        Words(
            f"{count(len(checks))} checks: {count(len(failed))} stopped the night, {count(len(warned))} warn.",
            f"共{count(len(checks))}项检查：{count(len(failed))}项阻断，{count(len(warned))}项警告。",
        ),
        "bad" if failed else "plain",
    )


def _checks(checks: list[dict]) -> Table:
    passed, warns, stops = Words("✓ passed", "✓ 通过"), Words("! warns", "! 警告"), Words("✕ stops the night", "✕ 阻断")
    body = [
        [
            check["check_name"],
            passed if check["passed"] else stops if check["severity"] == "block" else warns,
            check["message"],
        ]
        for check in checks
    ]
    columns = [
        Column(Words("Check", "检查"), False),
        Column(Words("Verdict", "结论"), False),
        Column(Words("What it found", "结果"), False),
    ]
    is_open = any(not check["passed"] for check in checks)
    return Table(Words("Checks of the gate", "关卡检查"), columns, body, is_open=is_open)


def _totals(totals: list[dict]) -> Table:
    columns = [
        Column(Words("Total", "总数"), False),
        Column(Words("Layer", "层"), False),
        Column(Words("Value", "数值")),
        Column(Words("Agrees", "一致"), False),
    ]
    yes, no = Words("✓ yes", "✓ 是"), Words("✕ no", "✕ 否")
    body = [
        [
            row["total"],
            row["layer"],
            number(row["value"], 2 if row["value"] % 1 else 0),
            yes if row["agree"] else no,
        ]
        for row in totals
    ]
    disagree = any(not row["agree"] for row in totals)
    return Table(Words("The same totals in every layer", "各层总数核对"), columns, body, is_open=disagree)


def _landed(landed: list[dict]) -> Table:
    columns = [
        Column(Words("Source", "来源"), False),
        Column(Words("Landed", "落地")),
        Column(Words("Loaded", "载入")),
        Column(Words("Of them new", "其中新增")),
        Column(Words("Quarantined", "隔离")),
        Column(Words("Bytes", "字节")),
    ]
    names = ("landed", "loaded", "new", "rejected", "bytes")
    body = [[row["source"], *(count(row[name]) for name in names)] for row in landed]
    caption = Words("What came in tonight: landed = loaded + quarantined", "今晚入库：落地 = 载入 + 隔离")
    return Table(caption, columns, body, is_open=True)


def _rejected(rejected: list[dict]) -> Chart:
    total, new = sum(row["rows"] for row in rejected), sum(row["new"] for row in rejected)
    says = Words(
        f"{count(total)} rows wait in quarantine, {count(new)} of them from tonight.",
        f"隔离区共有{count(total)}行，其中今晚新增{count(new)}行。",
    )
    columns = [
        Column(Words("Where", "位置"), False),
        Column(Words("Column", "列"), False),
        Column(Words("Reason", "原因"), False),
        Column(Words("Rows", "行数")),
        Column(Words("Tonight", "今晚")),
    ]
    body = [
        [
            f"{row['source']}.{row['entity']}",
            row["column_name"],
            labelled(row),
            count(row["rows"]),
            count(row["new"]),
        ]
        for row in rejected
    ]
    title = Words("Rows in quarantine", "隔离区的行")
    return Chart("rejected", title, says, partial(_draw, rejected), Table(title, columns, body))


def _draw(rejected: list[dict], language: str, width: int):
    values: list[dict] = []
    for row in rejected[:TOP]:
        where = f"{row['entity']}.{row['column_name']}"
        label = charts.fitting(f"{where}: {row[f'label_{language}']}", width * 0.55, [v["label"] for v in values])
        values.append({"label": label, "value": row["rows"], "text": count(row["rows"])})
    return charts.bars(values, [value["label"] for value in values], width)
