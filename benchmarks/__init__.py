"""What a person waits for, measured; see README.md."""
