"""Images larger than memory: chunk by chunk, by one process, by several, or by a cluster; and stopped, and gone on with."""
