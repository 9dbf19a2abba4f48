# %% [markdown]
# # How the current flows: the hopping fit
# One law, trap-to-trap hopping, for LRS and HRS together. At one temperature it cannot tell trap density from barrier; heat can, if one
# knows it, and the FEM does. (Figure 2d of arXiv:2502.04524. The sweeps here are SYNTHETIC, from the published parameters.)

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

from fits import fit_hopping, read_iv
from fits.hopping.synthetic import write_synthetic_sweeps

folder = Path(tempfile.mkdtemp())
sweeps = [read_iv(f) for f in write_synthetic_sweeps(folder)]
print(*sweeps, sep="\n")

# %% [markdown]
# ## What one ambient shows

# %%
room = fit_hopping([s for s in sweeps if s.ambient_K == 293.15])
print(room.report())

# %% [markdown]
# ## What three ambients show

# %%
fit = fit_hopping(sweeps)
print(fit.report())
fit.plot()
plt.close("all")
assert all(p.identified for p in fit.parameters.values())

# %% [markdown]
# The truth lies inside the intervals: 65 and 80 meV.

# %%
for name, truth in (("barrier_lrs_eV", 0.065), ("barrier_hrs_eV", 0.080)):
    p = fit.parameters[name]
    print(f"{name}: {p.low:.4f} .. {p.high:.4f}, made with {truth}")
