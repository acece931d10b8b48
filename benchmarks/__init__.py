"""Programs that measure what Cesar promises: each prints ratio, baseline and machine. `make bench` runs them all."""
