"""Sentences -> calls, one module per noun. A binding takes the world, calls a verb, remembers or judges: about three lines.

`MODULES` is what the plugin registers; the lint holds every sentence of the features to exactly one definition here.
"""

MODULES = ("clusters", "communication", "hooks", "leadership", "objects", "pods", "requests", "store", "watchers")
