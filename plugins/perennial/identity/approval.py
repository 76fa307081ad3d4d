"""Merges that wait: which they are, and letting one go. Who approved it, and when, stays in ops.identity_approvals."""

from datetime import datetime

import psycopg

from perennial.errors import ConfigError

WAITING = """
    select split_part(blocks.block, ':', 3) as merge_id, min(blocks.reason) as reason,
        array_agg(distinct members.customer_key order by members.customer_key) as customer_keys
    from pii.identity_blocks as blocks
    inner join pii.identity_memberships as members using (own_key)
    where blocks.valid_to = 'infinity' and members.valid_to = 'infinity' and blocks.reason like 'held_%%'
        and split_part(blocks.block, ':', 3) not in (select merge_id from ops.identity_approvals)
    group by 1 order by 1
"""


def waiting(session: psycopg.Connection) -> list[dict[str, object]]:
    """Merges that nobody approved: merge_id, reason, customer_keys."""
    if session.execute("select to_regclass('pii.identity_blocks') as found").fetchone()["found"] is None:
        return []
    return session.execute(WAITING).fetchall()


def approve(session: psycopg.Connection, key: str, at: datetime, by: str) -> list[str]:
    """Let the merge of a customer go, given her key or its first characters; returns the keys that become one.

    ConfigError if nothing of hers waits, or if several customers are meant.
    """
    found = [row for row in waiting(session) if any(k.startswith(key) for k in row["customer_keys"])]
    if len(key) < 6 or not found:
        raise ConfigError(
            f"no merge of a customer whose key begins with '{key[:32]}' waits; `perennial identity preview` lists them"
        )
    if len({k for row in found for k in row["customer_keys"] if k.startswith(key)}) > 1:
        raise ConfigError(f"several customers who wait have keys that begin with '{key}'; type more of the key")
    for row in found:
        session.execute(
            "insert into ops.identity_approvals values (%s, %s, %s, %s) on conflict do nothing",
            [row["merge_id"], row["customer_keys"], at, by],
        )
    return sorted({k for row in found for k in row["customer_keys"]})
