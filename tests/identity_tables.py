"""Where dbt puts the models that tell who is who, for tests that run their SQL by hand."""

from perennial import identity

IN_PII = ("records", "changes", "affected", "evidence", "by_", "memberships", "blocks", "events")
VIEWS = ("intermediate.int_customer_keys", "pii.int_identity_records")
LINKS = """
create table input.input_links (
    source text, source_customer_id text, other_source text, other_source_customer_id text
)
"""


def relation(model: str) -> str:
    """Schema and name."""
    if model == "dim_customer_redirects":
        return f"marts.{model}"
    in_pii = model == "int_identity" or any(part in model for part in IN_PII)
    return f"{'pii' if in_pii else 'intermediate'}.{model}"


# from the input contract to customer keys, in the order of building
RELATIONS = tuple(relation(model) for model in identity.MODELS)
