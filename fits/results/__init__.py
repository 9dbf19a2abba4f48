"""What every fit shares: identified parameters, options of the command line, text, JSON, plot and page."""
