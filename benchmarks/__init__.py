"""Measurements that take minutes: run by hand, never as tests, each ending in one line of JSON."""
