"""The SQL that maps landed text to contract columns and finds what is wrong with a row.

All checks run in the warehouse, in one pass over the batch; the first broken rule of a row is its reason. Rows that a
source's entry excludes are rejected too: so they are counted, can be looked at, and come back with another rule.
"""

from psycopg import sql

from perennial.sources.base import PHONE_COLUMN, Exclusion
from perennial.sources.base import Column as Origin
from perennial.sources.base import Entity as Mapping
from perennial.sources.cursor import CLOCK_DRIFT
from perennial.warehouse.contract import Column, Entity

PLAIN_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
# keeps out what PostgreSQL also reads: now, today, infinity, years before Christ
ISO_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"
ISO_DATE = (
    ISO_DAY + r"([Tt ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?( ?([Zz]|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2}){0,2}))?)? *$"
)

CAST = {"whole": "bigint", "date": "date", "rate": "numeric(20, 10)"}
# no pattern: what a shop writes there is no pattern either
EXCLUDED = {
    "equals": "{text} = {word}",
    "one_of": "{text} = {word}",
    "starts_with": "starts_with({text}, {word})",
    "ends_with": "starts_with(reverse({text}), reverse({word}))",
    "contains": "position({word} in {text}) > 0",
}
CURRENCY_CODE = "^[A-Z]{3}$"


def checked_rows(
    entity: Entity,
    mapping: Mapping,
    landed_columns: list[str],
    currencies: tuple[str, ...],
    extracted_at: str,
) -> sql.Composed:
    """Create `checked_rows` from `landed_rows`: contract columns as text, a hash, and `problem`.

    `problem` is null or {reason, source column, value}.
    """
    origins = mapping.columns
    columns = [c for c in entity.columns if c.name in origins]
    texts = [sql.SQL("{} as {}").format(mapped(origins[c.name]), sql.Identifier(c.name)) for c in columns]
    rules = [rule for c in columns for rule in _rules(c, origins[c.name], currencies, extracted_at)]
    hashed = sql.SQL(", ").join(sql.SQL("coalesce({}, E'\\x02')").format(sql.Identifier(c.name)) for c in columns)
    return sql.SQL(
        """
        create temp table checked_rows on commit drop as
        select mapped.*, md5(concat_ws(E'\\x01', {hashed}))::uuid as payload_hash,
            case when own_problem is not null then own_problem {rules} end as problem
        from (select _row_no as row_no, {own} as own_problem, {mapped} from landed_rows) as mapped
        """
    ).format(
        hashed=hashed,
        rules=sql.SQL(" ").join(rules),
        own=_own_problem(mapping, landed_columns),
        mapped=sql.SQL(", ").join(texts),
    )


def typed(column: Column, origin: Origin) -> sql.Composed:
    """The contract column of `checked_rows` in its real type; only valid rows are cast."""
    text = sql.Identifier(column.name)
    if column.type == "timestamp":
        return sql.SQL("{0}::timestamptz as {0}").format(text)
    if column.type == "number":
        scale = sql.SQL(" / 100") if origin.as_ == "cents" else sql.SQL("")
        return sql.SQL("({0}::numeric{1})::numeric(18, 4) as {0}").format(text, scale)
    if column.type in CAST:
        return sql.SQL("{0}::{1} as {0}").format(text, sql.SQL(CAST[column.type]))
    return sql.Composed([text])


def _own_problem(mapping: Mapping, landed_columns: list[str]) -> sql.Composable:
    """What is wrong with a row before anybody looks at its values."""
    cases = [_excluded(rule) for rule in mapping.exclude]
    if "_problem" in landed_columns:
        line = "when _problem is not null then array['unreadable_line', '_line', _problem]"
        file = "when _problem is not null and _line is null then array['unreadable_file', '_file', _problem]"
        cases = [sql.SQL(file), sql.SQL(line), *cases] if "_line" in landed_columns else [sql.SQL(line), *cases]
    return sql.SQL("case {} end").format(sql.SQL(" ").join(cases)) if cases else sql.SQL("null::text[]")


def _excluded(rule: Exclusion) -> sql.Composed:
    column = sql.Identifier(rule.column)
    name, words = rule.test
    text = sql.SQL("lower(btrim({}))").format(column)
    tests = [sql.SQL(EXCLUDED[name]).format(text=text, word=sql.Literal(word)) for word in words]
    return sql.SQL("when {} then array['excluded_by_rule', {}, {}]").format(
        sql.SQL(" or ").join(tests), sql.Literal(rule.column), column
    )


def mapped(origin: Origin) -> sql.Composable:
    """What a contract column is made of, as text."""
    if origin.constant is not None:
        return sql.Literal(origin.constant)
    column = PHONE_COLUMN if origin.as_ == "phone" else origin.from_
    value: sql.Composable = sql.SQL("nullif({}, '')").format(sql.Identifier(column))
    if origin.values:
        cases = [
            sql.SQL("when {} then {}").format(sql.Literal(seen), sql.Literal(meant))
            for seen, meant in origin.values.items()
        ]
        value = sql.SQL("case {0} {1} else {0} end").format(value, sql.SQL(" ").join(cases))
    if origin.as_ == "email_key":
        # an id that is no contact detail; sources that know customers by e-mail agree on it
        value = sql.SQL("'email:' || md5(nullif(lower(btrim({})), ''))").format(value)
    return value


def _rules(column: Column, origin: Origin, currencies: tuple[str, ...], extracted_at: str) -> list[sql.Composed]:
    text = sql.Identifier(column.name)
    tests: list[tuple[str, sql.Composable]] = []
    if column.required:
        tests.append(("missing_value", sql.SQL("{} is null").format(text)))
    tests.append(("undecodable_text", sql.SQL("position(U&'\\FFFD' in {}) > 0").format(text)))
    accepted = column.choices or (tuple(origin.values.values()) if column.declared and origin.values else ())
    if accepted:
        choices = sql.SQL(", ").join(map(sql.Literal, accepted))
        tests.append(("value_not_allowed", sql.SQL("{} not in ({})").format(text, choices)))
    if column.type == "number":
        valid = sql.SQL("({0} ~ {1} and pg_input_is_valid({0}, 'numeric(18, 4)'))").format(
            text, sql.Literal(PLAIN_NUMBER)
        )
        tests.append(("not_a_number", sql.SQL("not {}").format(valid)))
    if column.positive:
        tests.append(("negative_amount", sql.SQL("{}::numeric < 0").format(text)))
    if column.type == "whole":
        tests.append(("not_a_whole_number", sql.SQL("not pg_input_is_valid({}, 'bigint')").format(text)))
    if column.type == "rate":
        valid = sql.SQL("({0} ~ {1} and pg_input_is_valid({0}, 'numeric(20, 10)'))").format(
            text, sql.Literal(PLAIN_NUMBER)
        )
        tests.append(("not_a_number", sql.SQL("not {}").format(valid)))
        tests.append(("not_a_rate", sql.SQL("{}::numeric not between 1e-8 and 1e8").format(text)))
    if column.type == "currency_code":
        tests.append(("not_a_currency_code", sql.SQL("{} !~ {}").format(text, sql.Literal(CURRENCY_CODE))))
    if column.type == "currency":
        known = sql.SQL(", ").join(map(sql.Literal, currencies))
        tests.append(("currency_not_configured", sql.SQL("{} not in ({})").format(text, known)))
    if column.type == "date":
        valid = sql.SQL("({0} ~ {1} and pg_input_is_valid({0}, 'date'))").format(text, sql.Literal(f"{ISO_DAY} *$"))
        tests.append(("not_a_date", sql.SQL("not {}").format(valid)))
    if column.type == "timestamp":
        valid = sql.SQL("({0} ~ {1} and pg_input_is_valid({0}, 'timestamptz'))").format(text, sql.Literal(ISO_DATE))
        tests.append(("not_a_timestamp", sql.SQL("not {}").format(valid)))
    if column.past:
        late = sql.SQL("{}::timestamptz > {}::timestamptz + {}::interval").format(
            text, sql.Literal(extracted_at), sql.Literal(CLOCK_DRIFT)
        )
        tests.append(("dated_after_extraction", late))
    return [_rule(reason, column, origin, test) for reason, test in tests]


def _rule(reason: str, column: Column, origin: Origin, test: sql.Composable) -> sql.Composed:
    shown = origin.from_ or column.name
    value = sql.Identifier(column.name)
    return sql.SQL("when {} then array[{}, {}, {}]").format(test, sql.Literal(reason), sql.Literal(shown), value)
