"""The tile in torch, for a GPU: the same law and the same algorithms as `Tile`, with torch's own random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from compact_model.training import agad, cttv2, ttv1, ttv2
from compact_model.training._lists import BLOCKS, SPACED
from compact_model.training._plan import BACKWARD, FORWARD, UPDATES, bursts, columns_due, trains
from compact_model.training._reads import MOST_OWED, MOST_PULSES
from compact_model.training.algorithm import Algorithm, Transfer
from compact_model.training.bank import DeviceBank
from compact_model.training.converters import Converters
from compact_model.training.mixed_precision import MixedPrecision
from compact_model.training.tile import Tile


class TorchTile(Tile):
    """As `Tile`; takes and returns tensors on `device`. One seed repeats a run on one kind of hardware.

    Vectors are worked off one after the other, all devices at once; a device that meets several coincidences of one vector
    gets them as so many pulses in a row, unless the trains are spread.
    """

    takes_tensors = True

    def __init__(
        self, W: DeviceBank, A: DeviceBank | None, algorithm: Algorithm, *, device: str = "cuda", **how: Any
    ) -> None:
        super().__init__(W, A, algorithm, **how)
        self.device = torch.device(device)
        self._on = {name: _Bank(bank, self.device) for name, bank in (("W", W), ("A", A)) if bank is not None}
        self._ledger = torch.from_numpy(self.digital).to(self.device)

    @property
    def tensor_weights(self) -> torch.Tensor:
        """Return the weights of W on the device, (rows, columns)."""
        return self._on["W"].weights()

    @property
    def weights(self) -> Any:
        """Return the weights of W as an array."""
        return self.tensor_weights.cpu().numpy()

    def write(self, weights: ArrayLike) -> None:
        """Set the weights of W (ideal write)."""
        super().write(weights)
        if hasattr(self, "_on"):
            self._on["W"].take(self.W)

    def state(self) -> dict[str, Any]:
        """Bring what changed back from the device and return it by name."""
        for name, held in self._on.items():
            getattr(self, name).state[...] = held.u.cpu().numpy()
        self.digital[...] = self._ledger.cpu().numpy()
        return super().state()

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        super().load_state(state)
        for name, held in self._on.items():
            held.take(getattr(self, name))
        self._ledger.copy_(torch.from_numpy(self.digital))

    def forward(self, x: Any) -> Any:
        """Return W x through DAC and ADC; x (vectors, columns)."""
        return self._product_on(self._tensor(x), self._matrix.T, self.io, FORWARD)

    def backward(self, d: Any) -> Any:
        """Return W^T d through DAC and ADC; d (vectors, rows)."""
        return self._product_on(self._tensor(d), self._matrix, self.io_back, BACKWARD)

    @property
    def _matrix(self) -> torch.Tensor:
        if self._seen is None:
            return self.tensor_weights
        if self._tensors is None:
            weights = self._tensor(self._arriving(self._seen))
            self._tensors = weights, weights.T
        return self._tensors[0]

    def _tensor(self, x: Any) -> torch.Tensor:
        return torch.as_tensor(x, dtype=torch.float32, device=self.device)

    def _random(self, stream: int) -> torch.Generator:
        """Return the generator of one call: a function of seed and counter, so that a resumed run goes on alike."""
        words = np.random.SeedSequence([self.seed, stream, int(self.counters[stream])]).generate_state(1, np.uint64)
        return torch.Generator(self.device).manual_seed(int(words[0] >> np.uint64(1)))

    def _product_on(self, x: torch.Tensor, matrix: torch.Tensor, io: Converters, stream: int) -> torch.Tensor:
        if io.ideal:
            return x @ matrix
        self.counters[stream] += 1
        random = self._random(stream)
        scale = x.abs().amax(1, keepdim=True) if io.scale_input else torch.ones(len(x), 1, device=self.device)
        out = torch.zeros(len(x), matrix.shape[1], device=self.device)
        todo = torch.arange(len(x), device=self.device)
        for _ in range(11 if io.repeat_clipped else 1):
            s = scale[todo]
            lines = torch.where(s > 0, x[todo] / s, torch.zeros_like(x[todo]))
            lines = (torch.round(lines / io.dac_step) * io.dac_step).clamp(-1.0, 1.0)
            y = lines @ matrix
            norm = lines.norm(dim=1, keepdim=True)
            spread = torch.hypot(torch.full_like(norm, io.noise), io.device_noise * norm)
            y = y + spread * torch.randn(y.shape, generator=random, device=self.device)
            y = torch.round(y / io.adc_step) * io.adc_step
            clipped = y.abs().amax(1) >= io.bound
            out[todo] = y.clamp(-io.bound, io.bound) * s
            todo = todo[clipped]
            if not len(todo):
                break
            scale[todo] *= 2.0
        return out

    def update(self, x: Any, d: Any, *, lr: float | None = None) -> None:
        """Move the weights by -lr d x^T in expectation, with pulses; x (vectors, columns), d (vectors, rows)."""
        x, d = self._tensor(x), self._tensor(d)
        if isinstance(self.algorithm, MixedPrecision):
            self._settle(d.T @ x, (self.algorithm.lr if lr is None else lr) / self.algorithm.threshold)
            return
        random = self._random(UPDATES)
        fast, every, rate, scale, schedule = self._rates(lr)
        given = x.cpu().numpy(), d.cpu().numpy()
        t = self.trains
        slots, chance_x, chance_d = trains(*given, rate, fast.grain, t.slots, t.manage, t.shorten, scale, self.means)
        lambda_H = schedule.pop("lambda_H")
        chop = torch.from_numpy(self.chop.astype(np.float32)).to(self.device)
        vector, which, _ = bursts(slots, t.spread)
        reads = columns_due(
            len(x),
            len(vector),
            every,
            self._choppers,
            *schedule.values(),
            self.chop,
            self.switched,
            self.counters,
            self.seed,
        )
        bank, due = self._on["A" if self.A is not None else "W"], 0
        whole: dict[int, tuple[torch.Tensor, ...]] = {}  # even trains of the vectors begun
        for burst, s in enumerate(vector.tolist()):
            if slots[s]:
                lines = x[s].abs() * float(chance_x[s]), d[s].abs() * float(chance_d[s])
                if t.even:
                    if s not in whole:
                        both = zip(lines, (BLOCKS, SPACED), strict=True)
                        whole[s] = tuple(self._even_train(p, int(slots[s]), words, random) for p, words in both)
                    now = [b for b in range(int(slots[s])) if int(which[burst]) >> b & 1]
                    up_x, up_d = (bits[now] for bits in whole[s])
                else:
                    up_x, up_d = (self._train(p, int(which[burst]).bit_count(), random) for p in lines)
                count = up_d.T @ up_x
                self.pulses[0] += bank.pulse(count, torch.outer(-torch.sign(d[s]), torch.sign(x[s]) * chop), random)
            while due < len(reads[0]) and reads[0][due] == burst:
                self._transfer(due, reads, lambda_H, random)
                if reads[5][due]:
                    chop[reads[1][due]] *= -1.0
                due += 1
        self.counters[UPDATES] += 1
        self.forget()

    def _settle(self, gradient: torch.Tensor, rate: float) -> None:
        random = self._random(UPDATES)
        owed = self._ledger[..., 0]
        owed -= rate / self.W.grain * gradient
        _, fire, _, per_weight, _ = self._memory()
        count = torch.floor(owed.abs() + 1.0 - fire).clamp(max=MOST_PULSES)
        moved, given = self._pulse(count, torch.sign(owed), random)
        owed -= moved * per_weight if per_weight else count * torch.sign(owed)
        if per_weight:
            owed.clamp_(-float(MOST_OWED), float(MOST_OWED))
        self.pulses[0] += given
        self.counters[UPDATES] += 1
        self.forget()

    def _pulse(self, count: torch.Tensor, direction: torch.Tensor, random: torch.Generator) -> tuple[torch.Tensor, int]:
        """Give the devices of W their pulses; return by how much each looks to have moved, and the pulses given."""
        bank, before, noise = self._on["W"], self._on["W"].weights(), self._memory()[-1]
        given = bank.pulse(count, direction, random)
        moved = bank.weights() - before
        if noise:
            moved += noise * torch.randn(before.shape, generator=random, device=self.device)
        return torch.where(count > 0, moved, torch.zeros_like(moved)), given

    def _train(self, chance: torch.Tensor, slots: int, random: torch.Generator) -> torch.Tensor:
        return (torch.rand(slots, len(chance), generator=random, device=self.device) < chance).float()

    def _even_train(self, chance: torch.Tensor, slots: int, patterns: Any, random: torch.Generator) -> torch.Tensor:
        """Return what `even_train` does, as (slots, lines)."""
        rounding, turn = torch.rand(2, len(chance), generator=random, device=self.device)
        pulses = torch.floor(chance.clamp(max=1.0) * slots + rounding).long().clamp(max=slots)
        words = torch.as_tensor(patterns[32 * slots : 32 * (slots + 1)].astype(np.int64), device=self.device)[pulses]
        places = torch.arange(slots, device=self.device)[:, None] - torch.floor(turn * slots).long()
        return (words >> places.remainder(slots) & 1).float()

    def _transfer(self, due: int, reads: Any, lambda_H: float, random: torch.Generator) -> None:
        a, io, k, c = self.algorithm, self.io, int(reads[1][due]), float(reads[2][due])
        assert isinstance(a, Transfer)
        momentum, fire, beta, per_weight, _ = self._memory()
        omega = self._on["A"].weights()[:, k]
        if not io.ideal:
            omega = omega + io.column_noise * torch.randn(omega.shape, generator=random, device=self.device)
            omega = (torch.round(omega / io.adc_step) * io.adc_step).clamp(-io.bound, io.bound)
        H, P, P_ref = self._ledger[:, k].unbind(1) if a.code >= 2 else (omega,) * 3
        if a.code == 1:
            fired = ttv1.read_column(omega, lambda_H, torch.rand(omega.shape, generator=random, device=self.device))
        elif a.code == 2:
            fired, h = ttv2.read_column(omega, lambda_H, H, momentum, fire)
            H.copy_(h)
        elif a.code == 3:
            fired, h = cttv2.read_column(omega, c, lambda_H, H, momentum, fire)
            H.copy_(h)
        else:
            if reads[3][due]:
                P_ref.copy_(P)
            fired, h, p = agad.read_column(omega, c, lambda_H, H, momentum, fire, P, P_ref, beta)
            H.copy_(h)
            P.copy_(p)
        if reads[4][due]:
            count = torch.zeros(self.shape, device=self.device)
            count[:, k] = fired.abs().clamp(max=MOST_PULSES)
            moved, given = self._pulse(count, torch.sign(fired)[:, None].expand(self.shape), random)
            self.pulses[1] += given
            if per_weight:
                H -= moved[:, k] * per_weight
                H.clamp_(-float(MOST_OWED), float(MOST_OWED))


class _Bank:
    """A bank's parameters and state as tensors."""

    def __init__(self, bank: DeviceBank, device: torch.device) -> None:
        def pair(values: Any) -> torch.Tensor:
            return torch.tensor(values, dtype=torch.float32, device=device)

        d = bank.devices
        span = d.g_max_S - d.g_min_S
        self.step = pair(np.stack([d.dg_up_S / span, d.dg_down_S / span]))
        self.gamma = pair(np.stack([d.gamma_up, d.gamma_down]))
        self.noise, self.scale = pair(d.step_noise), pair(bank.scale)
        self.u = pair(bank.state)

    def take(self, bank: DeviceBank) -> None:
        self.u.copy_(torch.from_numpy(bank.state))

    def weights(self) -> torch.Tensor:
        return (self.u.double() * self.scale[..., 0].double() - self.scale[..., 1].double()).float()  # as `weight_of`

    def pulse(self, count: torch.Tensor, direction: torch.Tensor, random: torch.Generator) -> int:
        """Give every device `count` pulses in a row towards `direction`; return the pulses given."""
        up = (direction > 0).float()
        step, gamma = (torch.where(direction > 0, both[0], both[1]) for both in (self.step, self.gamma))
        for n in range(int(count.max())):
            v = (self.u - up).abs()
            xi = torch.randn(v.shape, generator=random, device=v.device)
            moved = (v - step * v**gamma * (1.0 + self.noise * xi)).clamp(0.0, 1.0)
            self.u = torch.where(count > n, (moved - up).abs(), self.u)
        return int(count.sum())
