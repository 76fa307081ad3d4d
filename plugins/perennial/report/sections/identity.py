"""Who is who: how many records are how many customers, what the night joined or parted, and what waits."""

from perennial.identity.approval import WAITING
from perennial.lifecycle.phrases import Words
from perennial.report.facts import Night, Rows
from perennial.report.parts import Column, Note, Part, Table, Tile, Tiles
from perennial.report.text import count, labelled, share

ORDER = 105
TITLE = Words("Who is who", "身份识别")
LEAD = Words(
    "One person may have several records. A night that joins or parts many more than usual is worth a look: "
    "`perennial identity preview` shows whom, and what it changes.",
    "同一个人可能有多条记录。若某晚合并或拆分明显增多，请用 `perennial identity preview` 查看涉及的客户与影响。",
)
EMPTY = Words(
    "No customer record has come in yet. Map `customers` in config/sources.yml, with e-mail, phone or loyalty number, "
    "so that people are recognised across sources.",
    "尚无客户记录。请在 config/sources.yml 中映射 `customers`，并提供邮箱、电话或会员号，以便跨来源识别同一客户。",
)
QUERIES = {
    "people": """
        select
            coalesce(sum(count_source_customers), 0) as records, count(*) as customers,
            count(*) filter (where count_source_customers > 1) as several,
            count(*) filter (where sources like '%%,%%') as in_several_sources
        from marts.customer_360
    """,
    "joined": """
        select joined_by as level, count(*) as records
        from pii.identity_memberships
        where valid_from <= %(shown)s and valid_to > %(shown)s and joined_by is not null
        group by joined_by order by records desc, level
    """,
    # a merge or split has a row for each key that was, so keys are counted
    "events": """
        select
            event, count(distinct former_key) filter (where as_of = %(shown)s) as tonight,
            count(distinct former_key) as week
        from pii.identity_events
        where as_of > %(shown)s - 7 and as_of <= %(shown)s and event in ('merge', 'split')
        group by event
    """,
    "waiting": f"""
        select held.reason, r.label_en, r.label_zh, count(*) as merges
        from ({WAITING}) as held
        left join marts.dim_reasons as r on r.kind = 'identity' and r.reason = held.reason
        group by held.reason, r.label_en, r.label_zh order by held.reason
    """,
}
LEVELS = {
    "override": Words("your own word", "人工指定"),
    "link": Words("link from a source", "来源关联"),
    "email": Words("e-mail", "邮箱"),
    "phone": Words("phone", "电话"),
    "loyalty_number": Words("loyalty number", "会员号"),
}


def parts(rows: Rows, night: Night) -> list[Part]:
    """Counts, what waits, and what joined the records."""
    people = rows["people"][0] if rows["people"] else None
    if not people or not people["customers"]:
        return []
    several, across = share(people["several"] / people["customers"]), count(people["in_several_sources"])
    events = {row["event"]: row for row in rows["events"]}
    tiles = [
        Tile(Words("Records of customers in the sources", "来源中的客户记录"), count(people["records"])),
        Tile(Words("Customers", "客户"), count(people["customers"])),
        Tile(
            Words("With several records", "有多条记录"),
            count(people["several"]),
            note=Words(f"{several} of all, {across} in several sources", f"占{several}，其中{across}位跨来源"),
        ),
        _moved(Words("Keys merged tonight", "今晚合并的客户键"), events.get("merge")),
        _moved(Words("Keys split tonight", "今晚拆分的客户键"), events.get("split")),
    ]
    found: list[Part] = [Tiles(tiles), _waiting(rows["waiting"])]
    return [*found, _joined(rows["joined"])] if rows["joined"] else found


def _moved(label: Words, row: dict | None) -> Tile:
    week = count(row["week"] if row else 0)
    return Tile(label, count(row["tonight"] if row else 0), note=Words(f"{week} in 7 nights", f"近7晚{week}个"))


def _waiting(waiting: list[dict]) -> Note:
    if not waiting:
        return Note(Words("No merge waits for approval.", "没有待审批的合并。"))
    named = [(labelled(row), count(row["merges"])) for row in waiting]
    said = [Words(f"{label.en}: {merges}.", f"{label.zh}：{merges}。") for label, merges in named]
    return Note(
        Words(
            f"Merges that wait. {' '.join(words.en for words in said)} `perennial identity approve KEY` lets one go.",
            f"有合并待审批。{''.join(words.zh for words in said)}用 `perennial identity approve KEY` 放行。",
        ),
        "bad",
    )


def _joined(joined: list[dict]) -> Table:
    return Table(
        Words("What joined records to an earlier one", "记录合并依据"),
        [Column(Words("By", "依据"), False), Column(Words("Records", "记录数"))],
        [[LEVELS.get(row["level"], Words(row["level"], row["level"])), count(row["records"])] for row in joined],
        is_open=True,
        is_half=True,
    )
