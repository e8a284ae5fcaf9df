"""jobs"""
from app.web.components.header import header
with header("jobs"):
    pass
