"""How the night ended, in one sentence, and what to do about it."""

from dataclasses import dataclass

from perennial.lifecycle.phrases import Words
from perennial.report.facts import Night

SIGNS = {"good": "✓", "bad": "✕", "plain": "○"}
# of a state: the tone, the headline, and what to do; {failed} and {shown} are sentences of their own, or empty
TOLD = {
    "none": (
        "plain",
        Words("No night has been built yet", "尚未运行任何一晚"),
        Words(
            "Run `make demo` for two sample shops, or describe your sources in config/sources.yml and run "
            "`perennial nightly`; this page then fills itself.",
            "运行 `make demo` 体验示例商店，或在 config/sources.yml 中配置数据源后运行 `perennial nightly`，"
            "本页会自动填充。",
        ),
    ),
    "absent": (
        "bad",
        Words("This night was not built", "本晚未构建"),
        Words(
            "{failed}{shown}Mend the cause, then run the night again.",
            "{failed}{shown}请排除原因后重新运行。",
        ),
    ),
    "unfinished": (
        "bad",
        Words("The build of this night did not end", "本晚构建未完成"),
        Words(
            "{failed}Tables below may be of different nights, and nothing is exported. Run its tasks from `transform` "
            "on again.",
            "{failed}以下表格可能来自不同晚次，且不会导出。请从 transform 起重新运行。",
        ),
    ),
    "unchecked": (
        "plain",
        Words("Built, not checked yet", "已构建，尚未检查"),
        Words("{failed}Nothing is exported before its gate.", "{failed}通过关卡前不会导出。"),
    ),
    "blocked": (
        "bad",
        Words("Stopped at the gate: nothing was exported", "未通过关卡：未导出任何内容"),
        Words(
            "What stopped it stands here and under data quality. Mend the cause, then run the night again.",
            "原因见此处及下方“数据质量”。请排除原因后重新运行。",
        ),
    ),
    "passed": (
        "good",
        Words("Passed the gate; nothing was exported", "通过关卡；尚未导出"),
        Words(
            "{failed}A backfill never exports; otherwise run its task `export` again.",
            "{failed}回填不会导出；否则请重新运行 export。",
        ),
    ),
    "exported": ("good", Words("Passed the gate and exported", "通过关卡并已导出"), Words("{waiting}", "{waiting}")),
}


@dataclass(frozen=True)
class Verdict:
    """`tone` is good, bad or plain; `why` are messages in English as the checks wrote them."""

    tone: str
    sign: str
    headline: Words
    todo: Words | None
    why: list[str]


def verdict(night: Night) -> Verdict:
    """The verdict on a night; one that was not built says of which night the figures are."""
    tone, headline, todo = TOLD[night.state]
    said = {"failed": _failed(night), "shown": _shown(night), "waiting": _waiting(night)}
    told = Words(
        todo.en.format(**{name: words.en for name, words in said.items()}),
        todo.zh.format(**{name: words.zh for name, words in said.items()}),
    )
    why = night.blocked if night.state == "blocked" else []
    return Verdict(tone, SIGNS[tone], headline, told if told.en else None, why)


def _failed(night: Night) -> Words:
    steps = ", ".join(night.failed)
    return Words(f"Failed or unfinished: {steps}. ", f"失败或未完成：{steps}。") if steps else Words("", "")


def _shown(night: Night) -> Words:
    if night.shown is None:
        return Words("There are no figures yet. ", "尚无数据。")
    return Words(f"The figures below are of {night.shown}. ", f"以下为 {night.shown} 的数据。")


def _waiting(night: Night) -> Words:
    if not night.waiting:
        return Words("", "")
    return Words(
        f"Export plans that wait for somebody: {night.waiting}. "
        "The page Audiences in Airflow or `perennial plan` shows them; there or by `perennial approve` they leave.",
        f"有{night.waiting}个导出计划等待审批：在 Airflow 的受众页或用 `perennial plan` 查看，"
        "在该页或用 `perennial approve` 批准。",
    )
