"""Questions to the catalog and changes to it: plain functions on a `Session`, a module a noun.

Every function that writes takes the write lock first (by counting up the catalog's version), so
what it reads afterwards can't change under it. None commits: `db.engine.session_scope` does.
"""
