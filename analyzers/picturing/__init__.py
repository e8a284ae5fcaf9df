"""How a page becomes a picture: the child that draws, and the cache that keeps what it drew."""
