"""The command line: one door to the package. It imports nothing heavy until a command needs it."""
