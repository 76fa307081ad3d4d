# One image for all components of Airflow. Perennial is used from its sources, it is never built.
FROM python:3.11-slim-bookworm

ENV AIRFLOW_HOME=/opt/airflow \
    PYTHONPATH=/opt/perennial/plugins \
    PYTHONUNBUFFERED=1

# A new named volume takes owner and mode of the folder that it is mounted on.
RUN useradd --uid 50000 --create-home --home-dir /opt/airflow perennial \
    && install -d -o perennial -g perennial -m 0700 /var/lib/perennial /var/log/airflow

# The lock is complete: nothing is resolved (pip before 23.3 fails on its extras), all is checked.
COPY requirements.lock /opt/perennial/
RUN pip install --no-cache-dir --no-deps --require-hashes -r /opt/perennial/requirements.lock \
    && pip check

COPY dags /opt/perennial/dags
COPY plugins /opt/perennial/plugins
COPY dbt_project /opt/perennial/dbt_project
COPY sql /opt/perennial/sql
COPY config /opt/perennial/config

# The sources belong to root: readable, not writable, whatever the modes were on the host.
RUN chmod -R u=rwX,go=rX /opt/perennial \
    && printf '#!/usr/local/bin/python\nfrom perennial.cli import main\n\nmain()\n' \
        > /usr/local/bin/perennial \
    && chmod 0755 /usr/local/bin/perennial

USER 50000
WORKDIR /opt/airflow
CMD ["perennial", "--help"]
