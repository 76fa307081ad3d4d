"""How the night ended, in one sentence, and what to do about it."""

from dataclasses import dataclass

from perennial.lifecycle.phrases import Words
from perennial.report.facts import Night


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
    steps = ", ".join(night.failed)
    shown = Words(f"The figures below are of {night.shown}. ", f"以下为 {night.shown} 的数据。")
    if night.shown is None:
        shown = Words("There are no figures yet. ", "尚无数据。")
    failed = Words(f"Failed or unfinished: {steps}. ", f"失败或未完成：{steps}。") if steps else Words("", "")
    if night.state == "none":
        return Verdict(
            "plain",
            "○",
            Words("No night has been built yet", "尚未运行任何一晚"),
            Words(
                "Run `make demo` for two sample shops, or describe your sources in config/sources.yml and run "
                "`perennial nightly`; this page then fills itself.",
                "运行 `make demo` 体验示例商店，或在 config/sources.yml 中配置数据源后运行 `perennial nightly`，"
                "本页会自动填充。",
            ),
            [],
        )
    if night.state == "absent":
        return Verdict(
            "bad",
            "✕",
            Words("This night was not built", "本晚未构建"),
            Words(
                f"{failed.en}{shown.en}Mend the cause, then run the night again.",
                f"{failed.zh}{shown.zh}请排除原因后重新运行。",
            ),
            [],
        )
    if night.state == "unfinished":
        return Verdict(
            "bad",
            "✕",
            Words("The build of this night did not end", "本晚构建未完成"),
            Words(
                f"{failed.en}Tables below may be of different nights, and nothing is exported. Run its tasks from "
                "`transform` on again.",
                f"{failed.zh}以下表格可能来自不同晚次，且不会导出。请从 transform 起重新运行。",
            ),
            [],
        )
    if night.state == "blocked":
        return Verdict(
            "bad",
            "✕",
            Words("Stopped at the gate: nothing was exported", "未通过关卡：未导出任何内容"),
            Words(
                "A total differs between layers. See data quality below, mend the cause, run the night again.",
                "各层总数不一致。请查看下方“数据质量”，排除原因后重新运行。",
            ),
            night.blocked,
        )
    if night.state == "unchecked":
        return Verdict(
            "plain",
            "○",
            Words("Built, not checked yet", "已构建，尚未检查"),
            Words(f"{failed.en}Nothing is exported before its gate.", f"{failed.zh}通过关卡前不会导出。"),
            [],
        )
    if night.state == "passed":
        return Verdict(
            "good",
            "✓",
            Words("Passed the gate; nothing was exported", "通过关卡；尚未导出"),
            Words(
                f"{failed.en}A backfill never exports; otherwise run its task `export` again.",
                f"{failed.zh}回填不会导出；否则请重新运行 export。",
            ),
            [],
        )
    waiting = None
    if night.waiting:
        waiting = Words(
            f"Export plans that wait for somebody: {night.waiting}. "
            "`perennial plan` shows them, `perennial approve` lets them go.",
            f"有{night.waiting}个导出计划等待审批：`perennial plan` 查看，`perennial approve` 批准。",
        )
    return Verdict("good", "✓", Words("Passed the gate and exported", "通过关卡并已导出"), waiting, [])
