"""What prototypes of the KV cache share: caches as they are in use, exact attention, split-KV."""
