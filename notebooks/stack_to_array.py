# %% [markdown]
# # From the stack to an array
# The whole chain on synthetic sweeps made from the published parameters of arXiv:2502.04524. Needs no FEM: fields come from
# the shipped response table.

# %%
import tempfile
from pathlib import Path

from compact_model import Array, levels_S, quasi_static_cycle
from fits import fit_hopping, read_iv
from fits.hopping.synthetic import write_synthetic_sweeps

# %% [markdown]
# ## Sweeps
# One LRS and one HRS sweep at three ambients, with 2 % of noise. Their name and their content say that they are synthetic.

# %%
folder = Path(tempfile.mkdtemp())
sweeps = [read_iv(f) for f in write_synthetic_sweeps(folder)]
print(*sweeps, sep="\n")

# %% [markdown]
# ## Fit
# Three ambients separate the trap density from the barrier; the report would say so if they did not.

# %%
fit = fit_hopping(sweeps)
print(fit.report())

# %% [markdown]
# ## Model, cycle, array

# %%
model = fit.to_compact_model()
model.save(folder / "cell.json")
cycle = quasi_static_cycle(model.cell)
print(f"SET at {cycle.bias_V[cycle.x > 0.5][0]:.2f} V, hottest dome {cycle.T_K.max():.0f} K")

# %%
array = Array.from_population(model.population, (8, 4), seed=0).program(levels_S(32).reshape(8, 4), acceptance=0.02)
print(f"{array.programming.mean_pulses:.1f} pulses on average, all converged: {array.programming.converged.all()}")
print((array.wait(3600).g_S - array.g_S).mean() * 1e6, "uS mean shift after an hour")
