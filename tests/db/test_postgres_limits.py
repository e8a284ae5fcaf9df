"""What a PostgreSQL server or the pool of connections puts an end to; what no message tells."""

from __future__ import annotations

import re
import time

import pytest
from sqlalchemy import create_engine, text

from db.engine import open_engine, place_of, read_scope, session_scope
from db.errors import CatalogError, LockedError, UnreachableError
from tests.db.builders import add_paper

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:se/cret@host:port/assay",
        "postgresql//ann:secret@host/assay",
        "postgresql://host:x/assay?password=secret&a=b",
        "mysql://ann:secret@host/assay",
        "postgresql+psycopg2://ann:secret@host/assay?sslpassword=secret",
    ],
)
def test_no_message_about_a_url_tells_its_password(url: str) -> None:
    with pytest.raises(CatalogError) as caught:
        open_engine(url)
    assert not re.search("secret|cret@", caught.value.message)
    shown = place_of(create_engine("postgresql+psycopg://a:secret@h/d?sslpassword=secret"))
    assert shown == "postgresql://a@h/d"


def test_what_the_server_or_the_pool_ends_is_said(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    with pytest.raises(LockedError, match="statement timeout"), session_scope(engine) as session:
        session.execute(text("SET LOCAL statement_timeout = 20"))
        session.execute(text("SELECT pg_sleep(2)"))
    with pytest.raises(UnreachableError, match="try again"), session_scope(engine) as session:
        add_paper(session, "held")  # it holds the lock, and then does nothing
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 20"))
        time.sleep(0.3)
        add_paper(session, "more")
    with session_scope(engine) as session:
        add_paper(session, "free")
        waits = session.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one()
        assert waits == "5min"
    narrow = create_engine(postgres_url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    with narrow.connect(), pytest.raises(LockedError, match="at once"), read_scope(narrow):
        pass
    engine.dispose()
    narrow.dispose()
