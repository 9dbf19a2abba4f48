"""A constant of the device from a few numbers: filament radius, conductivity of the CMO, the series transistor."""
