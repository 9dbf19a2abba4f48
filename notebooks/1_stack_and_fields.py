# %% [markdown]
# # What happens inside the cell
# A TiN/HfOx/CMO/TiN stack with a conducting filament through the oxide. Where is it hot, where is the field high, and why is that a
# few nanometres above the filament? (Needs dolfinx; figure 2 and supplement of arXiv:2502.04524.)

# %%
import matplotlib.pyplot as plt
import numpy as np

from device_physics import solve, sweep
from meshes import Stack

stack = Stack.preset("TiN/HfOx/CMO/TiN")
print(*stack.layers, stack.filament, sep="\n")

# %% [markdown]
# ## One bias
# Current continuity and Joule heat. Current in and out, power and heat must balance: if they do not, nothing else counts.

# %%
solution = solve(stack, bias_V=0.2)
print(f"R = {solution.resistance_ohm:.0f} ohm (published post-forming cell: 0..0.2 V fitted with 11 nm and 5 S/cm)")
print(f"dome {solution.dome.T_mean_K:.1f} K, {solution.dome.E_mean_V_per_m:.2e} V/m")
print(solution.balances)

# %% [markdown]
# ## A sweep
# After the first negative sweep the CMO conducts better: 37 S/cm. For constant conductivities the temperature rise follows V squared.

# %%
after = {"materials": {"CMO": {"electrical_conductivity": "37 S/cm"}}, "mesh": {"domain": "axisymmetric"}}
table = sweep(after, volts=list(np.linspace(-1.0, 1.0, 21)))

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
left.plot(table.bias_V, table.current_A * 1e6, "o-")
left.set(xlabel="voltage (V)", ylabel="current (µA)")
right.plot(table.bias_V, table.T_mean_K, "o-", color="tab:red")
right.set(xlabel="voltage (V)", ylabel="mean temperature of the dome (K)")

# %%
rise = table.T_mean_K.values - 293.15
volts = table.bias_V.values
assert np.allclose(rise, rise[-1] * volts**2, rtol=1e-6, atol=1e-9)
