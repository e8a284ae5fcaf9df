"""paper"""
from app.web.components.header import header
with header("paper"):
    pass
