"""The same people through drt-core, a tool that copies rows of a query to a file or to an HTTP interface.

It copies all rows every time: what a destination knows, who opted out and what became of each row is left to others.
"""

import os
import resource
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from common import say

from perennial import embedded

QUERY = """
  select m.customer_key, p.email, c.stage, c.abc_tier
  from activation.audience_members as m
  join pii.customer_contacts as p using (customer_key)
  join marts.customer_360 as c using (customer_key)
"""
FILE = """destination:
  type: file
  path: {folder}/all.csv
  format: csv
sync:
  batch_size: 10000
"""
REST = """destination:
  type: rest_api
  url: {url}
  body_mode: batch
  batch_template: '{{{{ rows | tojson }}}}'
sync:
  batch_size: 10000
"""


class Taker(BaseHTTPRequestHandler):
    """Takes whatever comes."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Not to be seen."""


def through_drt(command: str, kind: str, people: int, database: str) -> None:
    """Seconds, CPU seconds and peak memory of its whole process."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    warehouse = embedded.connection(database)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / ".drt").mkdir()
        (root / "syncs").mkdir()
        (root / "drt_project.yml").write_text("name: bench\nversion: '0.1'\nprofile: bench\n")
        (root / ".drt" / "profiles.yml").write_text(
            f"bench:\n  type: postgres\n  host: {warehouse.host}\n  port: {warehouse.port}\n"
            f"  dbname: {warehouse.database}\n  user: {warehouse.login}\n"
        )
        where = (FILE if kind == "files" else REST).format(folder=root, url=f"http://127.0.0.1:{server.server_port}/")
        (root / "syncs" / "all.yml").write_text(f"name: all\nmodel: |{QUERY}{where}")
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(
            [command, "run"], cwd=root, env={**os.environ, "HOME": str(root)}, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"drt ended with {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        say("activation", f"drt, {kind}, {people:,} people", time.monotonic() - started, cpu=round(cpu, 2))
    server.shutdown()
