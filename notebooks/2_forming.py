# %% [markdown]
# # Forming
# Before forming the oxide insulates. Breakdown is a chance event whose rate grows exponentially with voltage; on a ramp that gives a
# Gumbel law. The gate of the series transistor limits what happens afterwards. (Figure 2a, 2b of arXiv:2502.04524.)

# %%
import matplotlib.pyplot as plt
import numpy as np

from compact_model import Array, CompactModel

array = Array.from_model(CompactModel.published(), (32, 32), seed=0).form()
formed = array.forming
print(f"{formed.yield_fraction:.0%} of {array.devices.size} cells formed on the ramp to 3.6 V")
print(f"forming voltage of the cell: {formed.v_reram_V.mean():.2f} V, sigma {formed.v_reram_V.std() * 1e3:.0f} mV")
print("published: 3.17 V, 75 mV. Both are inputs here; yield and the 1T1R voltage are not.")

# %% [markdown]
# ## The distribution

# %%
fig, axis = plt.subplots(figsize=(5, 3.5), layout="constrained")
volts = np.sort(formed.v_reram_V.ravel())
axis.plot(volts, (np.arange(volts.size) + 0.5) / volts.size, label="1,024 simulated cells")
axis.axvline(3.17, color="k", ls=":", label="published mean")
axis.set(xlabel="forming voltage of the cell (V)", ylabel="share of cells")
axis.legend()

# %% [markdown]
# ## The first negative sweep
# It brings the CMO above the filament from 5 to 37 S/cm, and the cell from about 35 kohm to a few.

# %%
ready = array.first_negative_sweep()
print(
    f"after forming {1e-3 / np.median(array.g_S):.1f} kohm, after the first negative sweep {1e-3 / np.median(ready.g_S):.2f} kohm"
)
assert np.median(ready.g_S) > 3 * np.median(array.g_S)
