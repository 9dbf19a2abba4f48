"""Fits of pulsed devices: traces, likelihood of the generalised soft bounds, read noise, several devices together."""
