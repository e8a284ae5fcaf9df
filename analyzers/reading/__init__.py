"""From a file to a `Document`: sniffing, PDF layout, prose, front page, markup."""
