"""Many devices: a folder as one table, statistics over its devices, and the laws that pulsed devices are drawn from."""
