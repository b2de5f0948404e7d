"""Where components run: `simulation` (virtual time, one interpreter) and `processes` (namespaces of the kernel), behind one interface."""

CANNOT_EXECUTE = 127  # the status of an instance whose command could not be executed, as shells have it
