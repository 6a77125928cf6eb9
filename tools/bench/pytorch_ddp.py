"""One rank of PyTorch DDP over gloo, or over NCCL on a GPU: the opponent in tools/bench. Started once per rank by measure-pytorch.mjs.

Same model, loss, optimiser, batch and images as autoencoder.yaml, or with --widths those of another of matrix.mjs. The data lies in memory and a batch is one gather:
faster than a DataLoader over torchvision's MNIST, so that loading does not count against PyTorch.

Variants: "stock" is what the documentation's example does. "tuned" adds Adam(fused=True), gradient_as_bucket_view and
static_graph; with a single rank it leaves DDP out altogether, since nothing has to be reduced. On a GPU, "stock" sends
each batch there as a DataLoader's loop does, "tuned" keeps all images there. With --hook fp16 DDP sends gradients as
halves, by its own communication hook. Matrix products are in full float32 (no
TF32), PyTorch's default.
"""

import argparse
import json
import os
import sys
import time

if "cuda" not in sys.argv:
    os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.distributed as dist  # noqa: E402
from torch import nn  # noqa: E402
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks  # noqa: E402
from torch.nn.parallel import DistributedDataParallel  # noqa: E402

pixels_each = 784
# As many as matrix/tiny.yaml's data set has.
tiny_rows = 150


def read_images(path: str, numbers: int) -> torch.Tensor:
    """All training images as bytes, [60000, 784] (an IDX file has a header of 16 bytes); of another width: any numbers."""
    if numbers != pixels_each:
        return torch.randint(256, (tiny_rows, numbers), dtype=torch.uint8)
    return torch.from_numpy(np.fromfile(path, dtype=np.uint8, offset=16).reshape(-1, numbers))


def make_model(widths: list[int]) -> nn.Sequential:
    torch.manual_seed(7)
    layers: list[nn.Module] = []
    for index, (inputs, units) in enumerate(zip(widths, widths[1:])):
        dense = nn.Linear(inputs, units)
        nn.init.xavier_uniform_(dense.weight)
        nn.init.zeros_(dense.bias)
        layers.append(dense)
        # As in the job files: the latent is linear where there is one, and the last layer gives logits.
        if index < len(widths) - 2 and (len(widths) < 5 or index != 1):
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


class InParts(nn.Module):
    """A batch in equal parts, each through the model by itself, as micro-batches of several tasks go."""

    def __init__(self, model: nn.Module, parts: int) -> None:
        super().__init__()
        self.model = model
        self.parts = parts

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.model(part) for part in x.chunk(self.parts)])


def batches(images: torch.Tensor, batch: int, rank: int, ranks: int):
    """Shuffles each epoch alike on every rank; each takes its share, as DistributedSampler does."""
    epoch = 0
    while True:
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(epoch))[rank::ranks]
        order = order.to(images.device)
        for start in range(0, len(order) - batch + 1, batch):
            yield images[order[start : start + batch]].float().div_(255)
        epoch += 1


def peak_bytes() -> int | None:
    """VmHWM: the most memory this process has ever held."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    except OSError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--ranks", type=int, required=True)
    parser.add_argument("--rendezvous", required=True)
    parser.add_argument("--images", required=True)
    parser.add_argument("--variant", choices=["stock", "tuned"], required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--warmup", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--widths", default="784,512,32,512,784")
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--optimiser", choices=["adam", "sgd"], default="adam")
    parser.add_argument("--hook", choices=["none", "fp16"], default="none")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    asked = parser.parse_args()
    device = torch.device(asked.device)
    tuned = asked.variant == "tuned"
    widths = [int(width) for width in asked.widths.split(",")]

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    dist.init_process_group(
        "nccl" if device.type == "cuda" else "gloo", init_method=f"file://{asked.rendezvous}", rank=asked.rank, world_size=asked.ranks
    )
    model: nn.Module = make_model(widths).to(device)
    if asked.parts > 1:
        model = InParts(model, asked.parts)
    if asked.ranks > 1 or not tuned:
        model = DistributedDataParallel(model, gradient_as_bucket_view=tuned, static_graph=tuned)
        if asked.hook == "fp16":
            model.register_comm_hook(None, default_hooks.fp16_compress_hook)
    if asked.optimiser == "sgd":
        optimiser = torch.optim.SGD(model.parameters(), lr=1.0, fused=True if tuned else None)
    else:
        optimiser = torch.optim.Adam(model.parameters(), lr=0.001, fused=True if tuned else None)
    loss_of = nn.BCEWithLogitsLoss()
    images = read_images(asked.images, widths[0])
    source = batches(images.to(device) if tuned else images, asked.batch, asked.rank, asked.ranks)

    def step() -> torch.Tensor:
        x = next(source).to(device)
        optimiser.zero_grad()
        loss = loss_of(model(x), x)
        loss.backward()
        optimiser.step()
        return loss

    def wait() -> None:
        """For the work of every rank, and on a GPU for what was only queued."""
        if device.type == "cuda":
            torch.cuda.synchronize()
        dist.barrier()
        if device.type == "cuda":
            torch.cuda.synchronize()

    for _ in range(asked.warmup):
        step()
    wait()
    start = time.perf_counter()
    for _ in range(asked.steps):
        loss = step()
    wait()
    seconds = time.perf_counter() - start
    print(
        json.dumps(
            {
                "rank": asked.rank,
                "seconds": seconds,
                "loss": loss.item(),
                "peakBytes": peak_bytes(),
                "parameters": sum(parameter.numel() for parameter in model.parameters()),
                "torch": torch.__version__,
                "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
            }
        )
    )
    sys.stdout.flush()
    # What was measured is said. Taking gloo's threads down at the end now and then aborts the process (torch 2.15).
    os._exit(0)


if __name__ == "__main__":
    main()
