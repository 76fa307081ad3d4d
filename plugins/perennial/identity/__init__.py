"""Who is who: the dbt models that decide it, from the input contract to customer keys."""

MODELS = (
    "int_identity_pairs",
    "int_record_orders",
    "int_identity_records",
    "int_identity_changes",
    "int_identity_affected",
    "int_identity_evidence",
    "int_identity_clusters",
    "int_identity_by_override",
    "int_identity_by_link",
    "int_identity_by_email",
    "int_identity_by_phone",
    "int_identity_by_loyalty_number",
    "int_identity",
    "int_customer_keys",
)
# what nights remember of it
HISTORY = ("identity_memberships", "identity_blocks", "identity_events", "dim_customer_redirects")
