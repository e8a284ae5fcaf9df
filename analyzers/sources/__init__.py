"""Where papers come from: arXiv, and files on disk."""
