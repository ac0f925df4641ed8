"""The simulator as processes of their own, one for each service, on loopback or in containers."""
