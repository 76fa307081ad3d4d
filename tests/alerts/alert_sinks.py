"""A mail server and a place for webhooks, in this process."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Mailbox:
    """What an SMTP server took; `refuse` are mailboxes it does not know."""

    def __init__(self):
        self.messages: list = []
        self.refuse: set[str] = set()
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuse:
            return "550 nobody here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.messages.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 taken"

    def login(self, server, session, envelope, mechanism, login):
        self.logins.append((login.login, login.password))
        return AuthResult(success=login.password == b"right", handled=False)


@contextmanager
def mail_server() -> Iterator[tuple[Mailbox, int]]:
    taken = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(
        taken, hostname="127.0.0.1", port=port, authenticator=taken.login, auth_require_tls=False, ready_timeout=30
    )
    server.start()
    try:
        yield taken, port
    finally:
        server.stop()


class Posts:
    """What was posted, by path; `answers` are the next statuses, 200 after them."""

    def __init__(self):
        self.bodies: list[tuple[str, dict]] = []
        self.answers: list[int] = []


@contextmanager
def web_server() -> Iterator[tuple[Posts, str]]:
    posts = Posts()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            posts.bodies.append((self.path, body))
            self.send_response(posts.answers.pop(0) if posts.answers else 200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield posts, f"http://127.0.0.1:{server.server_port}/hooks/a-secret"
    finally:
        server.shutdown()
        server.server_close()
