"""What one current-voltage sweep says by itself: branches, low-field lines, resistance states, the forming voltage."""
