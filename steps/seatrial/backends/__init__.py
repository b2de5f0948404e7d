"""Where components run: `simulation` (virtual time, one interpreter) and `processes` (namespaces of the kernel), behind one interface."""
