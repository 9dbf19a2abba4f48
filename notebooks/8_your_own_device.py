# %% [markdown]
# # Your own device, from sweep to simulator
# Files in, one model file, and out to an array and to aihwkit. Replace the SYNTHETIC sweeps with the files of your device.

# %%
import tempfile
from pathlib import Path

from compact_model import Array, CompactModel, aihwkit_python, levels_S, quasi_static_cycle
from fits import fit_hopping, iv_report, read_iv
from fits.hopping.synthetic import write_synthetic_sweeps

folder = Path(tempfile.mkdtemp())
files = write_synthetic_sweeps(folder)  # yours: sorted(Path("my_device").glob("*.csv"))
sweeps = [read_iv(f) for f in files]
print(iv_report(sweeps[:1]))

# %% [markdown]
# ## Fit, and refuse what the data cannot say
# `to_compact_model` raises where a parameter is not identified, and the message says what to measure.

# %%
fit = fit_hopping(sweeps)
fit.to_compact_model(files=files).save(folder / "cell.json")
model = CompactModel.load(folder / "cell.json")
print(model.name, "| made from", [i["name"] for i in model.provenance["inputs"]])

# %% [markdown]
# ## Use it

# %%
cycle = quasi_static_cycle(model.cell)
print(
    f"SET at {cycle.bias_V[cycle.x > 0.5][0]:.2f} V, hottest dome {cycle.T_K.max():.0f} K; the ions are assumed, not fitted"
)
array = Array.from_model(model, (8, 4), seed=0).program(levels_S(32).reshape(8, 4), acceptance=0.02)
print(f"{array.programming.mean_pulses:.1f} pulses on average, all converged: {array.programming.converged.all()}")
(folder / "cell_aihwkit.py").write_text(aihwkit_python(model))
compile((folder / "cell_aihwkit.py").read_text(), "cell_aihwkit.py", "exec")
