"""KV-Compress: a paged cache whose heads keep different numbers of tokens, evicted page by page."""
