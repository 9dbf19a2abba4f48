"""The hopping fit of LRS and HRS: curves, law, choice, intervals by repetition, FEM check, plan of a next experiment, model."""
