"""How a waiting Task reaches a worker on one machine: who holds it, who wakes whom, and the worker a server starts."""
