"""What every layer may lean on: settings, logging, the clock."""
