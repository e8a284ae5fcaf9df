"""add"""
from app.web.components.header import header
with header("add"):
    pass
