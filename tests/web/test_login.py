"""A team's workbench in a browser: log in at a provider, see what the role lets, leave."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.conftest import copied
from tests.web.conftest import free_port, served
from tests.web.identity_provider import CLIENT, SECRET, provider

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TEAM = """
login = "oidc"
hosts = ["localhost", "127.0.0.1"]
[people]
"bob@example.org" = "curate"
"*@example.org" = "read"
"""


@pytest.mark.skipif(importlib.util.find_spec("authlib") is None, reason="no assay[team] here")
def test_log_in_work_and_log_out(chromium: Browser, tmp_path: Path, shipped_file: Path) -> None:
    port = free_port()
    copied(shipped_file, tmp_path)
    with provider() as identities:
        secrets = tmp_path / "secrets.toml"
        secrets.write_text(
            f'[auth]\nredirect_uri = "http://localhost:{port}/oauth2callback"\n'
            f'cookie_secret = "{"0123456789abcdef" * 4}"\nclient_id = "{CLIENT}"\n'
            f'client_secret = "{SECRET}"\n'
            f'server_metadata_url = "{identities.url}/.well-known/openid-configuration"\n'
        )
        secrets.chmod(0o600)
        with served(tmp_path, port, TEAM):
            page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.goto(f"http://localhost:{port}/paper?paper=sage&view=notes")
            expect(page.get_by_text("log in to go on")).to_be_visible()
            expect(page.get_by_text("SageAttention")).to_have_count(0)
            page.get_by_role("button", name="Log in").click()
            page.get_by_role("button", name="bob").click()
            expect(page.get_by_text("bob@example.org · may read and curate")).to_be_visible()
            page.goto(f"http://localhost:{port}/paper?paper=sage&view=notes")
            page.get_by_label("Note").fill("Seen by Bob.")
            page.get_by_role("button", name="Save the note").click()
            expect(page.get_by_text("bob@example.org, ")).to_be_visible()
            page.goto(f"http://localhost:{port}/add")
            papers = page.locator("input[type=file]").first
            papers.set_input_files(
                [{"name": "a.md", "mimeType": "text/markdown", "buffer": b"# A"}]
            )
            expect(page.get_by_text("a.md")).to_be_visible()
            page.get_by_role("button", name="bob").click()
            page.get_by_role("button", name="Log out").click()
            expect(page.get_by_text("log in to go on")).to_be_visible()
            # One whose address the provider doesn't vouch for is nobody.
            identities.is_verified = False
            page.get_by_role("button", name="Log in").click()
            expect(page.get_by_text("is not of this workbench's team")).to_be_visible()
            page.context.close()
