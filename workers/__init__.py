"""Works: what is enqueued, what runs on it, what it writes. Knows no HTTP."""
