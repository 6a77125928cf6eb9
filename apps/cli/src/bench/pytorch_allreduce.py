"""One rank of gloo's all-reduce and nothing else: the opponent of the exchange in `latentweave bench` and tools/bench. Started once per rank."""

import argparse
import json
import os
import sys
import time

if "--with-parent" in sys.argv:
    from end_with_parent import end_with_parent

    end_with_parent()
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import torch  # noqa: E402
import torch.distributed as dist  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--ranks", type=int, required=True)
    parser.add_argument("--rendezvous", required=True)
    parser.add_argument("--numbers", type=int, required=True)
    parser.add_argument("--warmup", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--with-parent", action="store_true", help="end with whoever started this")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{asked.rendezvous}", rank=asked.rank, world_size=asked.ranks
    )
    # Written, so that its memory is there; zeros, because sums of anything else would not stay finite.
    gradient = torch.ones(asked.numbers).zero_()
    for _ in range(asked.warmup):
        dist.all_reduce(gradient)
    dist.barrier()
    start = time.perf_counter()
    for _ in range(asked.steps):
        dist.all_reduce(gradient)
    seconds = time.perf_counter() - start
    print(json.dumps({"rank": asked.rank, "seconds": seconds}))
    sys.stdout.flush()
    # Taking gloo's threads down at the end now and then aborts the process (torch 2.15).
    os._exit(0)


if __name__ == "__main__":
    main()
