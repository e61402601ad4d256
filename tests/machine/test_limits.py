"""Limits are the kernel's: memory, processor time and processes end where the configuration says."""
