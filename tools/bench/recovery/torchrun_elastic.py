"""What torchrun starts per rank: DDP that goes on from its snapshot, as PyTorch's tutorial on fault tolerance has it.

The autoencoder, optimiser, batch and images of pytorch_ddp.py. Rank 0 writes a snapshot every --every steps, and a line
for each step to --record; each rank leaves its process id beside it, so that one can be killed.
"""

import argparse
import os
import sys
import time

os.environ["CUDA_VISIBLE_DEVICES"] = ""
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../apps/cli/src/bench"))

import torch  # noqa: E402
import torch.distributed as dist  # noqa: E402
from pytorch_ddp import batches, make_model, read_images  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.parallel import DistributedDataParallel  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", required=True)
    parser.add_argument("--record", required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--every", type=int, required=True)
    asked = parser.parse_args()
    rank, ranks = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    with open(f"{asked.record}.rank-{rank}", "w", encoding="ascii") as file:
        file.write(str(os.getpid()))
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    dist.init_process_group("gloo")
    model = make_model()
    optimiser = torch.optim.Adam(model.parameters(), lr=0.001)
    snapshot = f"{asked.record}.snapshot"
    step = 0
    if os.path.exists(snapshot):
        kept = torch.load(snapshot, weights_only=True)
        model.load_state_dict(kept["model"])
        optimiser.load_state_dict(kept["optimiser"])
        step = kept["step"]
    model = DistributedDataParallel(model)
    loss_of = nn.BCEWithLogitsLoss()
    source = batches(read_images(asked.images), asked.batch, rank, ranks)
    record = open(asked.record, "a", buffering=1, encoding="ascii") if rank == 0 else None
    while True:
        x = next(source)
        optimiser.zero_grad()
        loss_of(model(x), x).backward()
        optimiser.step()
        if record is not None:
            record.write(f"{step} {time.time() * 1000:.1f}\n")
        step += 1
        if rank == 0 and step % asked.every == 0:
            kept = {"model": model.module.state_dict(), "optimiser": optimiser.state_dict(), "step": step}
            torch.save(kept, f"{snapshot}.new")
            os.replace(f"{snapshot}.new", snapshot)


if __name__ == "__main__":
    main()
