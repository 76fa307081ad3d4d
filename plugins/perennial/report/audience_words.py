"""States, guards, problems and gates of an audience, in both languages."""

from perennial.lifecycle.phrases import Words

STATUS = {
    "waiting": Words("waits for approval", "等待审批"),
    "rejected": Words("rejected: nothing sent", "已驳回：未发送"),
    "ready": Words("ready to send", "待发送"),
    "sending": Words("being sent", "发送中"),
    "done": Words("sent", "已发送"),
    "failed": Words("some rows failed", "部分失败"),
    "unevaluable": Words("not known: nothing sent", "无法判定：未发送"),
}
TRIPPED = {
    "first": Words("first export", "首次导出"),
    "rejected_before": Words("rejected before, other data now", "此前被驳回，数据已变更"),
    "empty": Words("nobody is left", "受众已空"),
    "removals": Words("many would be taken out", "移除过多"),
    "size": Words("size changed much", "规模变化过大"),
    "unevaluable": Words("its query failed", "查询失败"),
}
PROBLEMS = {
    "unknown_key": Words("keys of no customer", "未知客户键"),
    "duplicate_key": Words("keys more than once", "重复客户键"),
    "without_key": Words("rows without a key", "缺少客户键"),
    "query_failed": Words("the query failed", "查询失败"),
}
# what a bar has room for; the table beneath has the labels of dim_reasons
SHORT = {
    "audience_stopped": Words("Stopped", "已停止"),
    "erased": Words("Erased", "已删除"),
    "no_address": Words("No address", "无联系方式"),
    "consent_denied": Words("Consent denied", "拒绝授权"),
    "no_consent": Words("Never consented", "未授权"),
    "complaint": Words("Spam complaint", "垃圾投诉"),
    "unsubscribed": Words("Unsubscribed", "已退订"),
    "blocked": Words("Blocked", "被屏蔽"),
    "bounced": Words("Bounced", "退信"),
    "holdout_universal": Words("Held out of all", "全局对照组"),
    "holdout": Words("Held out", "对照组"),
    "exited": Words("Done", "已达成"),
    "cool_down": Words("Cool-down", "冷却期"),
    "limit_1_day": Words("Enough today", "当日已满"),
    "limit_7_days": Words("Enough in 7 days", "7天已满"),
    "limit_30_days": Words("Enough in 30 days", "30天已满"),
    "other_audience": Words("Another audience", "其他受众"),
    "budget": Words("Over budget", "超出预算"),
    "export": Words("Go out", "导出"),
}
