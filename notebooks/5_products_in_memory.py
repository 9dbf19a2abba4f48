# %% [markdown]
# # Multiplying through real wires
# A matrix of conductances between word and bit lines of 0.35 ohm per segment, a 6-bit DAC, an 8-bit ADC, and ten years. (Figure 4f and
# supplement S6 of arXiv:2502.04524.)

# %%
import matplotlib.pyplot as plt
import numpy as np

from compact_model.crossbar import Crossbar, Wires
from compact_model.mvm import MvmSettings, mvm_study

rng = np.random.default_rng(0)
array = Crossbar(rng.uniform(9e-6, 89e-6, (64, 64)), Wires.uniform(0.35))
volts = rng.uniform(-0.2, 0.2, (100, 64))
exact = array.forward(volts)
print(f"certified error {np.max(exact.relative_error):.1e}")
ideal = volts @ array.conductance_S
print(f"the wires take {1 - np.linalg.norm(exact.bit_A) / np.linalg.norm(ideal):.1%} of the current")

# %% [markdown]
# ## What of the error is whose?

# %%
times = [0.0, 1.0, 3600.0, 86400.0, 3.15e8]
fig, axis = plt.subplots(figsize=(5, 3.5), layout="constrained")
for label, changes in {
    "all": {},
    "no wires": {"wire_ohm": 0.0},
    "no converters": {"dac_bits": None, "adc_bits": None},
    "no relaxation": {"relaxation": False},
}.items():
    study = mvm_study(64, 100, times, MvmSettings.published(**changes))
    axis.plot(np.maximum(times, 0.1), study.rmse, "o-", label=label)
axis.set(
    xscale="log",
    yscale="log",
    xlabel="time after programming (s); 0.1 stands for 0",
    ylabel="rms error of a product (1)",
)
axis.legend()
