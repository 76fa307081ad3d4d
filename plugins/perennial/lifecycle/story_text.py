"""A story as plain text for a terminal, in English or Chinese."""

from datetime import date

from perennial.activation.outlook import Outlook
from perennial.activation.standing import Audience, Standing
from perennial.lifecycle.explain import Story
from perennial.lifecycle.life import Life, NotYet, Stay
from perennial.lifecycle.phrases import Words, days, joined, money
from perennial.lifecycle.touches import Touches

RECENT = 12

# what is said in every story; words in braces are filled in
SAYINGS = {
    "customer": Words("Customer {key}", "客户 {key}"),
    "known_once": Words("Known since {on} from one record in {sources}.", "自{on}起已知，1条记录，来自{sources}。"),
    "known": Words("Known since {on} from {n} records in {sources}.", "自{on}起已知，{n}条记录，来自{sources}。"),
    "came": Words(" Acquisition: {source}.", "获客来源：{source}。"),
    "country": Words(" Country: {country}.", "国家：{country}。"),
    "no_order": Words("No order that counts so far.", "尚无有效订单。"),
    "one_order": Words(
        "One order that counts, on {last}. Net spend {spend}.", "1笔有效订单，于{last}。净消费{spend}。"
    ),
    "orders": Words(
        "{orders} orders that count, on {days} from {first} to {last}. Net spend {spend}.",
        "{orders}笔有效订单，分布于{days}，{first}至{last}。净消费{spend}。",
    ),
    "until": Words("{model}, up to {on}", "{model}，截至{on}"),
    "hidden_one": Words(
        "1 earlier stay, {since} to {until}, is hidden; --full shows it.",
        "另有更早的1段（{since}至{until}）未显示；--full 显示全部。",
    ),
    "hidden": Words(
        "{n} earlier stays, {since} to {until}, are hidden; --full shows them.",
        "另有更早的{n}段（{since}至{until}）未显示；--full 显示全部。",
    ),
    "so_far": Words(" (so far)", "（至今）"),
    "order_days": Words("{days} with orders, {spend} net", "{days}有下单，净额{spend}"),
    "refund": Words("1 refund of {amount}", "退款1次，{amount}"),
    "refunds": Words("{n} refunds, {amount}", "退款{n}次，{amount}"),
    "cancellation": Words("1 cancellation of {amount}", "取消1次，{amount}"),
    "cancellations": Words("{n} cancellations, {amount}", "取消{n}次，{amount}"),
    "not_yet": Words("Not yet {label}, which would come on {on}: {why}", "尚未进入{label}（将于{on}）：{why}"),
    "next": Words("Next, if nothing happens", "若无新行为，接下来"),
    "in": Words("in {days}", "{days}后"),
    "for_ever": Words("Nothing: she stays {label} until she does something.", "不再变化：保持{label}，直到有新行为。"),
    "value": Words("Value on {on}", "{on}的价值"),
    "worth": Words("{all} in all, {year} of it in the last 365 days", "累计{all}，其中近365天{year}"),
    "nothing": Words("Nothing spent so far", "尚无消费"),
    "tier": Words(
        "Tier {tier}: she and all who spent more make {share} of the revenue of these days",
        "{tier}类：此客户与消费更高者合计占这些天收入的{share}",
    ),
    "tier_nothing": Words("Tier {tier}: nothing spent in these days", "{tier}类：这些天无消费"),
    "tier_prospect": Words("Tier {tier}: has not bought", "{tier}类：未购买"),
    "outlook": Words("Expected ({model})", "预期（{model}）"),
    "expected": Words(
        "{orders:.1f} orders worth {value} in 365 days; in 8 of 10 cases {low} to {high}",
        "365天内约{orders:.1f}次下单，价值{value}；八成可能在{low}至{high}之间",
    ),
    "expected_orders": Words(
        "{orders:.1f} orders in 365 days; their value is unknown ({why})",
        "365天内约{orders:.1f}次下单；价值未知（{why}）",
    ),
    "next_order": Words(
        "Next order by {middle} as likely as not, in half of all cases {early} to {late}",
        "下次下单有一半可能在{middle}前，半数情况在{early}至{late}之间",
    ),
    "no_next_order": Words("More likely than not no order within ten years", "十年内多半不再下单"),
    "later": Words("more than ten years ahead", "十年以后"),
    "none_soon": Words("{chance:.0%} that she does not order in 90 days", "90天内不下单的可能性为{chance:.0%}"),
    "no_outlook": Words("No forecast ({why})", "无预测（{why}）"),
    "consents": Words("Consents", "授权"),
    "granted": Words(
        "{channel}, {purpose}: granted since {on} ({source})", "{channel}，{purpose}：{on}起同意（{source}）"
    ),
    "denied": Words(
        "{channel}, {purpose}: denied since {on} ({source})", "{channel}，{purpose}：{on}起拒绝（{source}）"
    ),
    "no_consents": Words("Never said yes or no to any channel.", "未对任何渠道表态。"),
    "audiences": Words("Audiences", "受众"),
    "audience_in": Words("in", "在内"),
    "audience_held": Words("held back", "未发送"),
    "audience_out": Words("out", "不在内"),
    "earlier_day": Words(
        "Tier, consents and audiences are decided each night; leave out --on to see those of {as_of}.",
        "分类、授权和受众每晚重新判定；不加 --on 可查看{as_of}的结果。",
    ),
    "note": Words("Note: {text}", "注意：{text}"),
}
CHINESE = {"email": "邮件", "sms": "短信", "marketing": "营销"}


def tell(story: Story, lang: str = "both", *, full: bool = False) -> str:
    """The story in `lang`: en, zh, or both (English with stage and audience labels in both languages).

    Of a long life only the latest stays unless `full`.
    """
    return "\n".join(_Text(story, lang).lines(full))


class _Text:
    """A story being told in one language."""

    def __init__(self, story: Story, lang: str):
        self.story, self.lang = story, lang

    def lines(self, full: bool) -> list[str]:
        story, lines = self.story, self._person()
        for life in story.lives:
            lines += ["", self._say("until", model=self._label(life.name), on=story.on)]
            lines += self._stays(life, full)
            lines += ["", self._say("next")]
            lines += self._planned(life)
        if story.tonight:
            lines += (
                self._worth(story.tonight)
                + self._outlook(story.tonight.outlook)
                + self._consents(story.tonight)
                + self._audiences(story.tonight)
            )
        else:
            lines += ["", self._say("earlier_day", as_of=story.as_of)]
        return lines + ([""] if story.notes else []) + [self._say("note", text=self._in(note)) for note in story.notes]

    def _in(self, words: Words) -> str:
        return words.zh if self.lang == "zh" else words.en

    def _label(self, words: Words) -> str:
        return f"{words.en} {words.zh}" if self.lang == "both" else self._in(words)

    def _say(self, key: str, /, **values: object) -> str:
        return self._in(SAYINGS[key]).format(**values)

    def _money(self, amount: float) -> str:
        return money(amount, self.story.currency)

    def _person(self) -> list[str]:
        she = self.story.person
        known = "known_once" if she.records == 1 else "known"
        about = self._say(known, on=she.known_on, n=she.records, sources=self._list(she.sources))
        about += self._say("came", source=she.acquisition_source) if she.acquisition_source else ""
        about += self._say("country", country=she.country) if she.country else ""
        key = {0: "no_order", 1: "one_order"}.get(she.orders, "orders")
        bought = self._say(
            key,
            orders=f"{she.orders:,}",
            days=self._in(days(she.order_days)),
            first=she.first_order_on,
            last=she.last_order_on,
            spend=self._money(she.net_spend),
        )
        return [self._say("customer", key=she.customer_key), about, bought]

    def _list(self, names: list[str]) -> str:
        return "、".join(names) if self.lang == "zh" else " and ".join(names)

    def _stays(self, life: Life, full: bool) -> list[str]:
        hidden = [] if full else life.stays[:-RECENT]
        lines = []
        if hidden:
            last = date.fromordinal(hidden[-1].until.toordinal() - 1)
            lines.append(
                "  "
                + self._say("hidden" if hidden[1:] else "hidden_one", n=len(hidden), since=hidden[0].since, until=last)
            )
        for stay in life.stays[len(hidden) :]:
            lines += self._stay(stay, running=stay is life.stays[-1])
        if life.not_yet:
            lines.append(f"      {self._not_yet(life.not_yet)}")
        return lines

    def _stay(self, stay: Stay, *, running: bool) -> list[str]:
        last = date.fromordinal(stay.since.toordinal() + stay.days - 1)
        label = self._label(stay.label) + (self._say("so_far") if running else "")
        lines = [
            f"  {stay.since} - {last}  {self._in(days(stay.days)):>10}  {label}",
            f"      {self._because(stay)}",
        ]
        return lines + ([f"      {done}"] if (done := self._touches(stay.touches)) else [])

    def _because(self, stay: Stay) -> str:
        colon = "：" if self.lang == "zh" else ": "
        return f"{self._in(stay.entry)}{colon}{self._in(stay.why)}"

    def _not_yet(self, ahead: NotYet) -> str:
        return self._say("not_yet", on=ahead.on, label=self._label(ahead.label), why=self._in(ahead.why))

    def _touches(self, done: Touches) -> str:
        parts = []
        if done.order_days:
            parts.append(
                self._say("order_days", days=self._in(days(done.order_days)), spend=self._money(done.net_spend))
            )
        for kind, number, amount in (
            ("refund", done.refunds, done.refunded),
            ("cancellation", done.cancellations, done.cancelled),
        ):
            if number:
                parts.append(self._say(kind if number == 1 else f"{kind}s", n=number, amount=self._money(amount)))
        return ("；" if self.lang == "zh" else "; ").join(parts)

    def _planned(self, life: Life) -> list[str]:
        if not life.planned:
            return ["  " + self._say("for_ever", label=self._label(life.stays[-1].label))]
        lines = []
        for stay in life.planned:
            ahead = self._say("in", days=self._in(days((stay.since - self.story.on).days)))
            lines += [f"  {stay.since}  {ahead:>13}  {self._label(stay.label)}", f"      {self._because(stay)}"]
        return lines

    def _worth(self, tonight: Standing) -> list[str]:
        tier = "tier_prospect" if tonight.tier == "N" else "tier" if tonight.value_12m > 0 else "tier_nothing"
        worth = "worth" if tonight.historic_value else "nothing"
        return [
            "",
            self._say("value", on=self.story.on),
            "  " + self._say(worth, all=self._money(tonight.historic_value), year=self._money(tonight.value_12m)),
            "  " + self._say(tier, tier=tonight.tier, share=f"{tonight.revenue_share_cum or 0:.1%}"),
        ]

    def _outlook(self, ahead: Outlook) -> list[str]:
        if ahead.exp_orders_365d is None:
            return ["", self._say("no_outlook", why=self._in(ahead.why))]
        orders, later = ahead.exp_orders_365d, self._say("later")
        if ahead.clv_365d is None:
            expected = self._say("expected_orders", orders=orders, why=self._in(ahead.spend_why))
        else:
            value, low, high = map(self._money, (ahead.clv_365d, ahead.clv_365d_p10, ahead.clv_365d_p90))
            expected = self._say("expected", orders=orders, value=value, low=low, high=high)
        days = {"early": ahead.next_order_on_p25, "middle": ahead.next_order_on_p50, "late": ahead.next_order_on_p75}
        known = {name: day or later for name, day in days.items()}
        coming = self._say("next_order", **known) if ahead.next_order_on_p50 else self._say("no_next_order")
        chance = self._say("none_soon", chance=ahead.p_no_order_90d)
        said = [expected, coming, chance]
        return ["", self._say("outlook", model=ahead.model_used), *(f"  {line}" for line in said)]

    def _consents(self, tonight: Standing) -> list[str]:
        said = [
            self._say(
                consent.status,
                channel=self._named(consent.channel),
                purpose=self._named(consent.purpose),
                on=consent.since,
                source=consent.source,
            )
            for consent in tonight.consents
        ]
        return ["", self._say("consents"), *(f"  {line}" for line in said or [self._say("no_consents")])]

    def _named(self, name: str) -> str:
        return CHINESE.get(name, name) if self.lang == "zh" else name

    def _audiences(self, tonight: Standing) -> list[str]:
        return ["", self._say("audiences"), *(line for a in tonight.audiences for line in self._audience(a))]

    def _audience(self, audience: Audience) -> list[str]:
        exported = any(v.verdict == "export" for v in audience.verdicts)
        where = "audience_in" if exported else "audience_held" if audience.verdicts else "audience_out"
        decided = [c for c in audience.checks if c.holds == bool(audience.verdicts)]
        colon = "：" if self.lang == "zh" else ": "
        lines = [f"  {self._say(where)}{colon}{self._label(audience.label)}"]
        if decided:
            lines.append(f"      {self._in(joined([c.words for c in decided]))}")
        return lines + [f"      {v.destination}{colon}{self._label(v.label)}" for v in audience.verdicts]
