"""What a policy bundle may come to; known also to whoever never opens one."""

MAX_BYTES = 64 << 20
