"""Every method once more, slowly and as its paper has it: NumPy in float64, nothing of Kerascope.

An oracle takes a net, two pictures and a class, and gives what `values` should be; oracles of class
activation maps give the signed map, before the ReLU. Equation numbers are those of the papers.
"""

from __future__ import annotations

import itertools

import numpy as np

from numpy_net import Dense, Net

Array = np.ndarray


# --- gradients --------------------------------------------------------------------------------


def gradient(net: Net, x: Array, k: int, *, h: float = 1e-5) -> Array:
    """∂y/∂x by central differences, one input value at a time."""
    found = np.zeros_like(x)
    for place in np.ndindex(*x.shape[1:]):
        step = np.zeros(x.shape[1:])
        step[place] = h
        found[(slice(None), *place)] = (net.scores(x + step, k) - net.scores(x - step, k)) / (2 * h)
    return found


def gradient_x_input(net: Net, x: Array, k: int) -> Array:
    """x ⊙ ∂y/∂x."""
    return x * gradient(net, x, k)


def draw(seed: int, sample: int, number: int) -> np.random.Generator:
    """Return the documented source of draws: Philox keyed by (seed, sample, draw)."""
    return np.random.Generator(
        np.random.Philox(key=np.array([seed, (sample << 32) | number], np.uint64))
    )


def noise(x: Array, samples: int, share: float, seed: int = 0) -> Array:
    """Return (draw, sample, …): Gaussian noise, σ = share · (max − min) of the sample."""
    return np.array(
        [
            [
                share * np.ptp(one) * draw(seed, i, d).standard_normal(one.shape, np.float32)
                for i, one in enumerate(x)
            ]
            for d in range(samples)
        ]
    )


def noisy_gradients(
    net: Net, x: Array, k: int, samples: int, share: float, pairs: bool = False
) -> Array:
    """Return (draw, sample, …): the gradient at every noisy copy; in pairs, n is followed by −n."""
    drawn = noise(x, samples, share)
    if pairs:
        drawn = np.array([sign * n for n in drawn for sign in (1, -1)][:samples])
    return np.array([net.gradient(x + n, k) for n in drawn])


def smooth_grad(
    net: Net, x: Array, k: int, *, samples: int, noise: float, pairs: bool = True
) -> Array:
    """1/n Σ ∂y/∂x at x + N(0, σ²)."""
    return sum(noisy_gradients(net, x, k, samples, noise, pairs)) / samples


def smooth_grad_squared(net: Net, x: Array, k: int, *, samples: int, noise: float) -> Array:
    """1/n Σ (∂y/∂x)² at x + N(0, σ²)."""
    return sum(noisy_gradients(net, x, k, samples, noise) ** 2) / samples


def var_grad(net: Net, x: Array, k: int, *, samples: int, noise: float) -> Array:
    """The variance of ∂y/∂x at x + N(0, σ²)."""
    found = noisy_gradients(net, x, k, samples, noise)
    return sum((found - sum(found) / samples) ** 2) / samples


# --- path integrals ---------------------------------------------------------------------------


def integrated_gradients(
    net: Net, x: Array, k: int, *, baseline: Array | float = 0.0, steps: int = 2000, start: int = 0
) -> Array:
    """(x − x′) ⊙ ∫ ∂y/∂x dα by a fine Riemann sum; from layer `start` on."""
    total = np.zeros_like(x)
    for step in range(steps):
        alpha = (step + 0.5) / steps
        total += net.gradient(baseline + alpha * (x - baseline), k, start) / steps
    return (x - baseline) * total


def expected_gradients(
    net: Net, x: Array, k: int, *, background: Array, steps: int = 500, start: int = 0
) -> Array:
    """The mean of integrated gradients over the background."""
    return sum(
        integrated_gradients(net, x, k, baseline=one[None], steps=steps, start=start)
        for one in background
    ) / len(background)


def blurred(x: Array, sigma: float) -> Array:
    """Blur by diffusion between reflecting edges: every cosine wave fades by exp(−σ²ω²/2)."""
    for axis in (1, 2):
        n = x.shape[axis]
        places, waves = np.arange(n) + 0.5, np.arange(n)
        basis = (
            np.cos(np.pi * np.outer(places, waves) / n) * np.where(waves == 0, 1, 2**0.5) / n**0.5
        )
        matrix = (basis * np.exp(-0.5 * (sigma * np.pi * waves / n) ** 2)) @ basis.T
        x = np.moveaxis(np.tensordot(matrix, x, (1, axis)), 0, axis)
    return x


def blur_ig(net: Net, x: Array, k: int, *, max_sigma: float, steps: int = 1500) -> Array:
    """∫ ∂y/∂z · ∂z/∂σ dσ along z = x blurred by σ, from `max_sigma` to 0."""
    sigmas = max_sigma * np.linspace(1, 0, steps + 1)
    total = np.zeros_like(x)
    for high, low in itertools.pairwise(sigmas):
        total += net.gradient(blurred(x, (high + low) / 2), k) * (
            blurred(x, low) - blurred(x, high)
        )
    return total


def guided_ig(
    net: Net, x: Array, k: int, *, steps: int, fraction: float = 0.25, max_distance: float = 0.02
) -> Array:
    """The authors' algorithm from zero: smallest gradients first, within a corridor."""
    return np.concatenate(
        [_guided(net, one[None], k, steps=steps, p=fraction, d=max_distance) for one in x]
    )


def _guided(net: Net, end: Array, k: int, *, steps: int, p: float, d: float) -> Array:
    z, found, length = np.zeros_like(end), np.zeros_like(end), np.abs(end).sum()
    for step in range(steps):
        share = (step + 1) / steps
        gradient = net.gradient(z, k)
        low, high = end * max(share - d, 0), end * min(share + d, 1)
        before = z.copy()
        behind = z / end < max(share - d, 0)
        z[behind] = low[behind]
        while (left := np.abs(z - end).sum() - length * (1 - share)) > 1e-9 * length:
            # A rank among all values, those that have arrived at the end.
            order = np.where(np.abs(z - high) < 1e-12, np.inf, np.abs(gradient)).ravel()
            limit = np.sort(order)[int(np.floor(p * (order.size - 1)))]
            chosen = (order <= limit).reshape(z.shape) & np.isfinite(order).reshape(z.shape)
            room = np.abs(high - z)[chosen].sum()
            z[chosen] += min(1, left / room) * (high - z)[chosen]
        found += gradient * (z - before)
    return found


# --- full gradients ---------------------------------------------------------------------------


def enlarged(maps: Array, size: tuple[int, int]) -> Array:
    """Resize (…, y, x) maps bilinearly, pixel by pixel, half-pixel centres, edges held."""
    out = np.zeros((*maps.shape[:-2], *size))
    old = maps.shape[-2:]
    for y, x in np.ndindex(*size):
        at = [
            min(max((p + 0.5) * o / n - 0.5, 0), o - 1)
            for p, o, n in zip((y, x), old, size, strict=True)
        ]
        (y0, x0), (fy, fx) = (int(at[0]), int(at[1])), (at[0] % 1, at[1] % 1)
        y1, x1 = min(y0 + 1, old[0] - 1), min(x0 + 1, old[1] - 1)
        upper = (1 - fx) * maps[..., y0, x0] + fx * maps[..., y0, x1]
        lower = (1 - fx) * maps[..., y1, x0] + fx * maps[..., y1, x1]
        out[..., y, x] = (1 - fy) * upper + fy * lower
    return out


def full_gradient_terms(net: Net, x: Array, k: int) -> list[Array]:
    """Return x ⊙ ∂y/∂x, then b ⊙ ∂y/∂z for every layer z = Wx + b; they sum to y (equation 1)."""
    found = net.gradients(x, k)
    biases = [(i, layer.bias) for i, layer in enumerate(net.layers) if hasattr(layer, "bias")]
    return [x * found[0], *(bias * found[i + 1] for i, bias in biases)]


def full_grad(net: Net, x: Array, k: int, *, rescale: bool = True) -> Array:
    """Σ ψ(terms), ψ = enlarge ∘ rescale to 0…1 ∘ |·|, of terms with positions (equation 4)."""
    total = np.zeros(x.shape[:3])
    for term in full_gradient_terms(net, x, k):
        if term.ndim == 4:
            for i, one in enumerate(np.abs(term)):
                scaled = (
                    (one - one.min()) / (one.max() - one.min()) if rescale and np.ptp(one) else one
                )
                scaled = np.zeros_like(one) if rescale and not np.ptp(one) else scaled
                total[i] += enlarged(np.moveaxis(scaled, -1, 0), x.shape[1:3]).sum(axis=0)
    return total


# --- class activation maps: (sample, y, x), signed ---------------------------------------------


def maps_and_gradients(net: Net, x: Array, k: int) -> tuple[Array, Array]:
    """Return the last maps A and ∂y/∂A."""
    maps = net.upto(x, net.top)
    return maps, net.gradient(maps, k, net.top)


def weighted(maps: Array, weights: Array) -> Array:
    """Σ_k w_k A_k, channel by channel; weights are (sample, channel)."""
    return sum(weights[:, c, None, None] * maps[..., c] for c in range(maps.shape[-1]))


def cam(net: Net, x: Array, k: int) -> Array:
    """Σ w_k A_k with the weights read off the dense layer (equation 2)."""
    head = net.layers[-1]
    assert isinstance(head, Dense)
    maps = net.upto(x, net.top)
    return weighted(maps, np.tile(head.kernel[:, k], (len(x), 1)))


def grad_cam(net: Net, x: Array, k: int) -> Array:
    """α_k = 1/Z Σ ∂y/∂A_k (equation 1), Σ α_k A_k (equation 2)."""
    maps, g = maps_and_gradients(net, x, k)
    return weighted(maps, g.sum(axis=(1, 2)) / (maps.shape[1] * maps.shape[2]))


def grad_cam_plus_plus(net: Net, x: Array, k: int, *, normalise: bool = False) -> Array:
    """Equations 5, 18 and 19 for Y = exp(S); divided by exp(S). `normalise`: Σα = 1."""
    maps, g = maps_and_gradients(net, x, k)
    y = np.exp(net.scores(x, k))[:, None]
    weights = np.zeros((len(x), maps.shape[-1]))
    for c in range(maps.shape[-1]):
        one = g[..., c].reshape(len(x), -1)
        first, second, third = y * one, y * one**2, y * one**3
        alpha = second / (
            2 * second + maps[..., c].sum(axis=(1, 2))[:, None] * third + (second == 0)
        )
        if normalise:
            alpha = alpha / (
                alpha.sum(axis=1, keepdims=True) + (alpha.sum(axis=1, keepdims=True) == 0)
            )
        weights[:, c] = (alpha * np.maximum(first, 0)).sum(axis=1) / y[:, 0]
    return weighted(maps, weights)


def x_grad_cam(net: Net, x: Array, k: int) -> Array:
    """α_k = Σ (A_k / Σ A_k) ∂y/∂A_k (equation 8); a channel that is off has no weight."""
    maps, g = maps_and_gradients(net, x, k)
    mass = maps.sum(axis=(1, 2))
    return weighted(
        maps, np.where(mass == 0, 0, (maps * g).sum(axis=(1, 2)) / (mass + (mass == 0)))
    )


def hires_cam(net: Net, x: Array, k: int) -> Array:
    """Σ A_k ⊙ ∂y/∂A_k (equation 4)."""
    maps, g = maps_and_gradients(net, x, k)
    return sum(maps[..., c] * g[..., c] for c in range(maps.shape[-1]))


def layer_cam(net: Net, x: Array, k: int) -> Array:
    """Σ A_k ⊙ relu(∂y/∂A_k) (equations 5 and 6)."""
    maps, g = maps_and_gradients(net, x, k)
    return sum(maps[..., c] * np.where(g[..., c] > 0, g[..., c], 0) for c in range(maps.shape[-1]))


def eigen_cam(net: Net, x: Array, k: int) -> Array:
    """A·v₁, v₁ the eigenvector of AᵀA with the largest eigenvalue; turned to a positive sum."""
    maps = net.upto(x, net.top)
    rows = maps.reshape(len(x), -1, maps.shape[-1])
    vectors = np.array([np.linalg.eigh(one.T @ one)[1][:, -1] for one in rows])
    projected = weighted(maps, vectors)
    return projected * np.sign(projected.sum(axis=(1, 2)))[:, None, None]


def score_cam(net: Net, x: Array, k: int, *, top_k: int | None = None) -> Array:
    """α = softmax over k of f(x ⊙ H_k) − f(x_b), H_k = A_k enlarged, 0…1 (algorithm 1)."""
    maps = net.upto(x, net.top)
    empty = net.scores(np.zeros_like(x), k)
    found = np.zeros_like(maps[:, 0, 0])
    for i, c in np.ndindex(*found.shape):
        mask = enlarged(maps[i, :, :, c], x.shape[1:3])
        mask = (mask - mask.min()) / (np.ptp(mask) + (np.ptp(mask) == 0))
        found[i, c] = net.scores(x[i : i + 1] * mask[None, :, :, None], k)[0] - empty[i]
    if top_k is not None:
        energy = np.abs(maps).sum(axis=(1, 2))
        found[energy < np.sort(energy, axis=1)[:, -top_k, None]] = -np.inf
    return weighted(maps, np.exp(found) / np.exp(found).sum(axis=1, keepdims=True))


def ablation_cam(net: Net, x: Array, k: int) -> Array:
    """w_k = (y − y without A_k) / y (equation 3)."""
    maps, y = net.upto(x, net.top), net.scores(x, k)
    weights = np.zeros((len(x), maps.shape[-1]))
    for c in range(maps.shape[-1]):
        without = maps.copy()
        without[..., c] = 0
        weights[:, c] = (y - net.scores(without, k, net.top)) / y
    return weighted(maps, weights)


# --- occlusion --------------------------------------------------------------------------------


def patches(
    size: tuple[int, int], patch: tuple[int, int], stride: tuple[int, int]
) -> list[list[slice]]:
    """Return the slices along y and x; the last patch of a row is clipped to the picture."""
    found: list[list[slice]] = []
    for n, p, s in zip(size, patch, stride, strict=True):
        starts = [0]
        while starts[-1] + p < n:
            starts.append(starts[-1] + s)
        found.append([slice(a, min(a + p, n)) for a in starts])
    return found


def occlusion(
    net: Net,
    x: Array,
    k: int,
    *,
    patch: tuple[int, int],
    stride: tuple[int, int],
    baseline: float | str = "mean",
) -> Array:
    """y − y with the patch covered, for every patch: (sample, row, column)."""
    ys, xs = patches(x.shape[1:3], patch, stride)
    cover = np.broadcast_to(
        x.mean(axis=(1, 2), keepdims=True) if baseline == "mean" else baseline, x.shape
    )
    found = np.zeros((len(x), len(ys), len(xs)))
    for i, j in np.ndindex(len(ys), len(xs)):
        covered = x.copy()
        covered[:, ys[i], xs[j]] = cover[:, ys[i], xs[j]]
        found[:, i, j] = net.scores(x, k) - net.scores(covered, k)
    return found


def occlusion_heatmap(
    drops: Array, size: tuple[int, int], patch: tuple[int, int], stride: tuple[int, int]
) -> Array:
    """Give every pixel the mean drop of the patches that cover it."""
    ys, xs = patches(size, patch, stride)
    total, count = np.zeros((len(drops), *size)), np.zeros(size)
    for i, j in np.ndindex(len(ys), len(xs)):
        total[:, ys[i], xs[j]] += drops[:, i, j, None, None]
        count[ys[i], xs[j]] += 1
    return total / count
