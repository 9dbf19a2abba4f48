"""The same electrothermal problems written for other finite-element libraries, as a good user of each would write them."""
