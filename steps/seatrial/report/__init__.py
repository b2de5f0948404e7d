"""Results become outcomes of rules, and those become everything that anybody reads: one model first, all outputs from it."""
