"""What prototypes of speculative decoding share: a small model, drafts, acceptance, the law."""
