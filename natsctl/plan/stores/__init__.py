"""Stores of servers, on disk and in memory: their limits, and how full they are."""
