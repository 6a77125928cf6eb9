"""PyTorch eager, one process and one thread: forward, backward and gradients that can be read, nothing else.

The opponent of compute-child.mjs. Models: "autoencoder" is autoencoder.yaml's, "convolutional" one task of
examples/convolutional, with its head. Prints the median of so many micro-batches. With --channels-last images and kernels lie as
TensorFlow has them.
"""

import argparse
import json
import os
import statistics
import time

os.environ["CUDA_VISIBLE_DEVICES"] = ""

import torch  # noqa: E402
from torch import nn  # noqa: E402

classes = 10


class Autoencoder(nn.Module):
    """784-512-32-512-784 with a linear latent; the last layer gives logits."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 32), nn.Linear(32, 512), nn.ReLU(), nn.Linear(512, 784))
        )

    def loss(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return nn.functional.binary_cross_entropy_with_logits(self.layers(x), x)


class Convolutional(nn.Module):
    """28x28x1 → 14x14x8 → 7x7x16 → 256 → 32 → 256 → 784 → 7x7x16 → 14x14x8 → 28x28x1, and a classifier of the latent."""

    def __init__(self) -> None:
        super().__init__()
        relu = nn.ReLU()
        down = {"kernel_size": 3, "stride": 2, "padding": 1}
        self.encoder = nn.Sequential(
            *(nn.Conv2d(1, 8, **down), relu, nn.Conv2d(8, 16, **down), relu, nn.Flatten()),
            *(nn.Linear(784, 256), relu, nn.Linear(256, 32)),
        )
        self.decoder = nn.Sequential(
            *(nn.Linear(32, 256), relu, nn.Linear(256, 784), relu, nn.Unflatten(1, (16, 7, 7))),
            *(nn.ConvTranspose2d(16, 8, output_padding=1, **down), relu),
            *(nn.ConvTranspose2d(8, 1, output_padding=1, **down), nn.Sigmoid()),
        )
        self.label = nn.Linear(32, classes)

    def loss(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        latent = self.encoder(x)
        reconstruction = nn.functional.mse_loss(self.decoder(latent), x)
        return 20 * reconstruction + 0.1 * nn.functional.cross_entropy(self.label(latent), labels)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=["autoencoder", "convolutional"], required=True)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--warmup", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--channels-last", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    torch.manual_seed(7)
    model = Convolutional() if asked.model == "convolutional" else Autoencoder()
    shape = (asked.samples, 1, 28, 28) if asked.model == "convolutional" else (asked.samples, 784)
    x, labels = torch.rand(shape), torch.randint(classes, (asked.samples,))
    if asked.channels_last:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    times = []
    for step in range(asked.warmup + asked.steps):
        start = time.perf_counter()
        model.zero_grad()
        model.loss(x, labels).backward()
        gradients = [parameter.grad.numpy() for parameter in model.parameters()]
        if step >= asked.warmup:
            times.append(1000 * (time.perf_counter() - start))
    numbers = sum(parameter.numel() for parameter in model.parameters())
    assert sum(gradient.size for gradient in gradients) == numbers
    print(json.dumps({"ms": statistics.median(times), "numbers": numbers}))


if __name__ == "__main__":
    main()
