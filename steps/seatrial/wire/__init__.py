"""Codecs without I/O and thin clients: what is spoken on the wire, and nothing of what it means to a rule."""
