"""The ground floor: errors, units, files and the published numbers that every other floor stands on."""
