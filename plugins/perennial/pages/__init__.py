"""Pages inside Airflow: audiences, the lifecycle report, one customer."""
