# %% [markdown]
# # Programming levels, and what time does to them
# Reset, then read and pulse until the conductance is inside its window. Nothing of the outcome is put in: not the number of pulses,
# not the width. Then wait. (Figures 3 and 4a-e of arXiv:2502.04524.)

# %%
import matplotlib.pyplot as plt
import numpy as np

from compact_model import Array, Population, levels_S

levels = levels_S(35)
targets = np.resize(levels, (35, 32))
targets = np.repeat(levels[:, None], 32, axis=1)
array = Array.from_population(Population.published(), targets.shape, seed=0)
tight, loose = array.program(targets, acceptance=0.002), array.program(targets, acceptance=0.02)
print(f"0.2 %: {tight.programming.mean_pulses:.0f} pulses on average (published 89)")
print(f"2 %:   {loose.programming.mean_pulses:.0f} pulses on average (published 11)")

# %% [markdown]
# ## The width of a level is the window's, and nothing else: acceptance / sqrt(3) of the target

# %%
error = (tight.g_S - targets) / targets
print(f"rms error {error.std():.2e}; a uniform law in +-0.2 % has {0.002 / np.sqrt(3):.2e}")

# %% [markdown]
# ## Ten minutes, an hour, ten years
# One Brownian path per device in ln t, so what is read at 1 s and at 1 h belongs together.

# %%
times = np.logspace(0, 8.5, 18)
shift = np.array([(tight.wait(t).g_S - tight.g_S) * 1e6 for t in times])
fig, axis = plt.subplots(figsize=(5, 3.5), layout="constrained")
mean, spread = shift.mean(axis=(1, 2)), shift.std(axis=(1, 2))
axis.plot(times, mean, color="tab:blue")
axis.fill_between(times, mean - spread, mean + spread, alpha=0.25, label="standard deviation over devices")
axis.set(xscale="log", xlabel="time after programming (s)", ylabel="change of conductance (µS)")
axis.legend()
hour = (tight.wait("1 h").g_S - tight.g_S).mean() * 1e6
print(f"mean shift after an hour {hour:.2f} uS")
assert -0.9 < hour < -0.5
