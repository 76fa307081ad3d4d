"""Who visits the pages, which there are, and which forms."""

import re

from pages_warehouse import DONE, HASH, NIGHT, WAITS

ROLES = ("VIEWER", "USER", "OP", "ADMIN")
DECIDERS = ROLES[1:]
PAGES = (
    "/audiences",
    f"/audiences/{WAITS}",
    f"/audiences/{DONE}",
    "/lifecycle",
    f"/lifecycle/{NIGHT}",
    "/customers",
    "/static/report.css",
    "/static/pages.css",
    "/static/pages.js",
)
FORMS = {
    f"/audiences/{WAITS}/approve": {"seen": HASH},
    f"/audiences/{WAITS}/reject": {"seen": HASH},
    f"/audiences/{DONE}/file": {},
}
ADDRESS = re.compile(r"@example|\+1202555|\+1 202")


class Visit:
    """Somebody with a browser: what she sees, and the forms she is given."""

    def __init__(self, client, role: str):
        self.client, self.role = client, role

    def get(self, path: str, **more):
        """A page; redirects are not followed."""
        return self.client.get(f"/perennial{path}", follow_redirects=False, **more)

    def token(self) -> str:
        """What her forms carry."""
        return re.search(r'name="token" value="([^"]+)"', self.get("/customers").text)[1]

    def post(self, path: str, *, headers: dict[str, str] | None = None, **fields: str):
        """A form of hers; `token` can be another one."""
        data = {"token": self.token()} | fields
        return self.client.post(f"/perennial{path}", data=data, headers=headers, follow_redirects=False)
