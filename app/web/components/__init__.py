"""What pages are made of: each module shows one thing, or keeps one habit."""
