# %% [markdown]
# # One pulse, one device, a population
# Identical pulses move a device by generalised soft bounds. From traces of 400-pulse batches and 500 alternating pulses come the three
# numbers of a device: N_states, symmetry-point skew, NSR. (Figure 5 of arXiv:2502.04524.)

# %%
import matplotlib.pyplot as plt
import numpy as np

from compact_model import Population, run_open_loop

devices = Population.published().sample(64, seed=0)
trace = run_open_loop(devices, seed=0)
metrics = trace.metrics()

fig, axis = plt.subplots(figsize=(7, 3.5), layout="constrained")
axis.plot(trace.g_S[:, :4] * 1e6, lw=0.7)
axis.set(xlabel="pulse", ylabel="conductance (µS)")

# %% [markdown]
# ## What the protocol measures is not what the device is
# While it alternates the conductance swings about the symmetry point, so fewer states are counted; the step noise moves the device, so
# the scatter looks larger. A likelihood fit (`reram fit pulses`) has neither bias.

# %%
print(f"devices:  N_states {Population.published().states.mean[0]:.0f}, NSR {Population.published().nsr_mean:.2f}")
print(
    f"measured: N_states {np.mean(metrics.n_states):.1f}, NSR {np.mean(metrics.nsr):.2f}, skew {np.mean(metrics.sp_skew):.2f}"
)
print("published, as measured: 22, 0.90, 0.61")
assert np.mean(metrics.nsr) > Population.published().nsr_mean
