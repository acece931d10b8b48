"""The rules of Cesar in plain Python: no I/O, no framework, no ORM, no JSON."""
