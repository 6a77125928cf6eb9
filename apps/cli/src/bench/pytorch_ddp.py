"""One rank of PyTorch data-parallel training over gloo, or over NCCL on a GPU: the opponent of `latentweave bench` and tools/bench.

Same model, loss, optimiser, batch and images as tools/bench/autoencoder.yaml, or with --widths those of another job; without --images
any numbers. The data lies in memory and a batch is one gather: faster than a DataLoader over torchvision's MNIST, so that loading
does not count against PyTorch.

Variants: "stock" is what the documentation's example of DDP does. "tuned" adds Adam(fused=True), gradient_as_bucket_view and
static_graph; with a single rank it leaves DDP out altogether, since nothing has to be reduced. "all-reduce" is without DDP and
its buckets: as Horovod's optimiser does, each gradient is all-reduced by itself as soon as it is there, while earlier layers
still compute, and waited for before the update (Adam(fused=True) too). It is not Horovod, whose extension for PyTorch is built
for one version of it and adds fusion of small tensors by a background thread. With --hook fp16 DDP sends gradients as halves,
by its own communication hook. On a GPU, "stock" sends each batch there as a
DataLoader's loop does, the others keep all images there. Matrix products are in full float32 (no TF32), PyTorch's default.
"""

import argparse
import json
import os
import sys
import time

if "--with-parent" in sys.argv:
    from end_with_parent import end_with_parent

    end_with_parent()
if "cuda" not in sys.argv:
    os.environ["CUDA_VISIBLE_DEVICES"] = ""

import torch  # noqa: E402
import torch.distributed as dist  # noqa: E402
from torch import nn  # noqa: E402
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks  # noqa: E402
from torch.nn.parallel import DistributedDataParallel  # noqa: E402

pixels_each = 784
# As many as matrix/tiny.yaml's data set has.
tiny_rows = 150
# As many as bench-job.ts makes up.
made_up_rows = 8192


def read_images(path: str | None, numbers: int) -> torch.Tensor:
    """All training images as bytes, [60000, 784] (an IDX file has a header of 16 bytes); of another width, or without a file: any numbers."""
    if path is None:
        return torch.randint(256, (made_up_rows, numbers), dtype=torch.uint8)
    if numbers != pixels_each:
        return torch.randint(256, (tiny_rows, numbers), dtype=torch.uint8)
    import numpy as np

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


class AllReduced:
    """Starts the sum of each gradient as soon as the backward pass has it."""

    def __init__(self, model: nn.Module, ranks: int) -> None:
        self.ranks = ranks
        self.pending: list[tuple[dist.Work, torch.Tensor]] = []
        for parameter in model.parameters():
            parameter.register_post_accumulate_grad_hook(self.start)

    def start(self, parameter: torch.Tensor) -> None:
        self.pending.append((dist.all_reduce(parameter.grad, async_op=True), parameter.grad))

    def finish(self) -> None:
        for work, gradient in self.pending:
            work.wait()
            gradient.div_(self.ranks)
        self.pending.clear()


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
    parser.add_argument("--images")
    parser.add_argument("--variant", choices=["stock", "tuned", "all-reduce"], required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--warmup", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--widths", default="784,512,32,512,784")
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--optimiser", choices=["adam", "sgd"], default="adam")
    parser.add_argument("--hook", choices=["none", "fp16"], default="none")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--with-parent", action="store_true", help="end with whoever started this")
    asked = parser.parse_args()
    device = torch.device(asked.device)
    tuned = asked.variant != "stock"
    ddp = asked.variant == "stock" or (asked.variant == "tuned" and asked.ranks > 1)
    widths = [int(width) for width in asked.widths.split(",")]

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    dist.init_process_group(
        "nccl" if device.type == "cuda" else "gloo", init_method=f"file://{asked.rendezvous}", rank=asked.rank, world_size=asked.ranks
    )
    model: nn.Module = make_model(widths).to(device)
    if asked.parts > 1:
        model = InParts(model, asked.parts)
    all_reduced = AllReduced(model, asked.ranks) if asked.variant == "all-reduce" else None
    if ddp:
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
        if all_reduced is not None:
            all_reduced.finish()
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
