"""report"""
from app.web.components.header import header
with header("report"):
    pass
