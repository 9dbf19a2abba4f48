# %% [markdown]
# # Learning on the array, then letting it rest
# AGAD trains a small network on tiles of the published devices: every update is a train of pulses, every weight one noisy device.
# (Figure 6 of arXiv:2502.04524. Two clouds of points, SYNTHETIC, stand in for MNIST: see `reram train mnist`. Needs torch.)

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from compact_model import CompactModel
from compact_model.training import AGAD, AnalogOptimiser, to_analog

rng = np.random.default_rng(0)
labels = rng.integers(0, 2, 600)
points = rng.normal(0, 0.6, (600, 8)) + np.where(labels, 0.5, -0.5)[:, None]
x, y = torch.tensor(points, dtype=torch.float32), torch.tensor(labels)

# %%
torch.manual_seed(0)
plain = torch.nn.Sequential(torch.nn.Linear(8, 12), torch.nn.Sigmoid(), torch.nn.Linear(12, 2))
network = to_analog(plain, CompactModel.published(), AGAD(lr=0.05), seed=0)
optimiser = AnalogOptimiser(network, lr=0.05)
losses = []
for _ in range(40):
    for i in range(0, 500, 20):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(x[i : i + 20]), y[i : i + 20])
        loss.backward()
        optimiser.step()
    losses.append(loss.item())

fig, axis = plt.subplots(figsize=(5, 3.5), layout="constrained")
axis.plot(losses)
axis.set(xlabel="epoch", ylabel="cross entropy (1)")
accuracy = (network(x[500:]).argmax(1) == y[500:]).float().mean().item()
print(f"accuracy on points not seen: {accuracy:.0%}")
assert accuracy > 0.8
