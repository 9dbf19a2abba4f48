"""What a programmed conductance does by itself: relaxation with time, spread of programming, read noise and its spectrum."""
