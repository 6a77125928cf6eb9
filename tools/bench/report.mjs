/** The measured figures as text: for the terminal, and as docs/benchmarks.md. */
import { mean, median, spread } from "./statistics.mjs";
import { table } from "./table.mjs";
import { pyTorchWarmup } from "./warm-up.mjs";

const count = (value) => Math.round(value).toLocaleString("en-US");
const megabytes = (bytes) => (bytes === null || bytes === undefined ? "–" : count(bytes / 1e6));
const figures = (value, digits = 3) => Number(value.toPrecision(digits)).toString();
const names = { ours: "Latentweave", stock: "PyTorch DDP (stock)", tuned: "PyTorch DDP (tuned)" };

const workersText = (workers) => (workers === 1 ? "1 worker" : `${workers} workers`);

/** Rounds of one number of workers: [{ ours, stock, tuned }]; the last two are absent without PyTorch. */
export function speedTable(speed) {
  const rows = speed.flatMap(({ workers, rounds }) =>
    Object.keys(names)
      .filter((name) => rounds[0][name])
      .map((name) => {
        const of = (field) => rounds.map((round) => round[name][field]);
        const ratio = name === "ours" ? "" : ratioText(rounds, name);
        const perSecond = spread(of("samplesPerSecond"));
        return [
          `${workersText(workers)}: ${names[name]}`,
          count(perSecond.median),
          `${count(perSecond.worst)}–${count(perSecond.best)}`,
          figures(median(of("stepMs"))),
          ratio,
        ];
      }),
  );
  return table(["", "samples/s, median", "worst–best", "ms a step", "ours / theirs, per round"], rows);
}

function ratioText(rounds, name) {
  const ratio = spread(rounds.map((round) => round.ours.samplesPerSecond / round[name].samplesPerSecond));
  return `**${ratio.median.toFixed(2)}** [${ratio.worst.toFixed(2)}–${ratio.best.toFixed(2)}]`;
}

export function memoryTable(speed) {
  const rows = speed.flatMap(({ workers, rounds }) =>
    Object.keys(names)
      .filter((name) => rounds[0][name])
      .map((name) => {
        const processes = Object.keys(rounds[0][name].memory).sort();
        const peak = (process) => Math.max(...rounds.map((round) => round[name].memory[process] ?? 0));
        return [
          `${workersText(workers)}: ${names[name]}`,
          processes.map((process) => `${process} ${megabytes(peak(process))}`).join(", ") || "not read here",
        ];
      }),
  );
  return table(["", "MB, by process"], rows);
}

export function phaseTable(speed) {
  const columns = speed.map(({ workers, rounds }) => ({
    head: workersText(workers),
    value: (side, phase) => mean(rounds.map((round) => round.ours.phases[side][phase])),
  }));
  const { phases } = speed[0].rounds[0].ours;
  const rows = Object.entries(phases).flatMap(([side, values]) =>
    Object.keys(values).map((phase) => [
      `${side}: ${phase}`,
      ...columns.map(({ value }) => figures(value(side, phase))),
    ]),
  );
  return table(["mean ms a step", ...columns.map(({ head }) => head)], rows);
}

export function kernelTable(kernels) {
  const rows = kernels.map((kernel) => [
    count(kernel.numbers),
    figures(kernel.reduceGBps),
    figures(kernel.reduceMs),
    figures(kernel.updateGBps),
    figures(kernel.updateMs),
  ]);
  return table(["numbers", "reduce, GB/s", "ms", "Adam, GB/s", "ms"], rows);
}

export function growthTable({ processes }) {
  const rows = processes.map(({ name, startBytes, endBytes, peakBytes, bytesPerStep }) => [
    name,
    figures(startBytes / 1e6, 4),
    figures(endBytes / 1e6, 4),
    figures(peakBytes / 1e6, 4),
    `${Math.round(bytesPerStep)}`,
  ]);
  return table(["process", "MB, first tenth", "MB, last tenth", "peak MB", "bytes a step"], rows);
}

export function growthText(growth) {
  return `${count(growth.steps)} steps of a tiny job in ${count(growth.seconds)} s; resident memory over the last three quarters of the steps (over the first, V8 finds the size of its heap), and the slope of a straight line through it:

${growthTable(growth)}`;
}

/** Losses after the last step: near each other when all trained the same model on the same data alike. */
function lossText(speed) {
  return speed
    .map(({ workers, rounds }) => {
      const of = (name) =>
        rounds[0][name] ? `${names[name]} ${rounds[0][name].loss.toFixed(4)}` : undefined;
      return `${workersText(workers)}: ${Object.keys(names).map(of).filter(Boolean).join(", ")}`;
    })
    .join("; ");
}

/** docs/benchmarks.md. */
export function page({
  machine,
  inUse,
  isBusy,
  torch,
  speed,
  kernels,
  growth,
  warmup,
  steps,
  batch,
  parameters,
}) {
  const rounds = speed[0].rounds.length;
  const opponent =
    torch === null
      ? "PyTorch was not there when this was measured: the figures stand alone."
      : `PyTorch ${torch}, DDP over gloo, one process and one thread per rank, images in memory. *Stock* is what its documentation shows; *tuned* adds \`Adam(fused=True)\`, \`gradient_as_bucket_view\` and \`static_graph\`, and leaves DDP out where there is only one rank. A ratio is samples/s of ours over theirs in the same round: median [worst–best]. Above 1 ours is faster.`;
  return `# Benchmarks

Written by \`npm run bench\` (\`tools/bench\`); the numbers behind it are in \`tools/bench/results/latest.json\`. Figures are of one machine and one day, CPU only: measure yours. More workers, sizes and parts of a step are in [benchmarks-matrix.md](benchmarks-matrix.md); where time and memory go is in [performance.md](performance.md).

**Machine**: ${machine.cpu}, ${machine.cores} cores, ${count(machine.memoryBytes / 2 ** 30)} GiB, ${machine.system}; other programs used ${inUse.toFixed(2)} cores when it began${isBusy ? " (**busy: these figures do not mean much**)" : ""}. **Versions**: Node ${machine.node}, TensorFlow ${machine.tensorflow ?? "none (another backend)"}${torch === null ? "" : `, PyTorch ${torch}`}; measured ${machine.date} at ${machine.commit}.

## Training speed

The autoencoder 784-512-32-512-784 (${count(parameters)} parameters), MNIST, binary cross-entropy, Adam, ${batch} samples per worker and step, float32. ${rounds} rounds; in each, every row runs once, one after the other, in an order that turns from round to round. After ${warmup} steps of warm-up (PyTorch ${pyTorchWarmup(warmup)}), in which V8 compiles what a step runs, ${steps} are counted. A worker is a process of one thread.

${speedTable(speed)}

${opponent}

Ours is the whole product: coordinator, parameter server and workers as processes of their own, started by \`latentweave train\`, with ledger and metrics written, losses of every step kept, and the same-bits guarantee on; the time is that between commits in the run's own record. All its processes share the same cores, so with one worker the server has a core to itself that PyTorch's single process leaves idle, and with as many workers as cores it takes its time from theirs. Training loss after the last step of the first round: ${lossText(speed)} (the same model and optimiser, other initial weights and another order of data). Every round of ours ended with the same SHA-256 of the parameters.

## Where a step goes

${phaseTable(speed)}

A worker *waits* from its last push to the next weights, reads *data*, *computes* (forward, backward, read-back), *reduces* its own micro-batches, *pushes* (encoding and handing over; the socket's own time falls into the others' wait). The server *gathers* from opening a step until every gradient is there, *decides*, *updates*, *publishes* (handing over alike).

## Peak memory

The most that each process ever held (VmHWM), largest of all rounds.

${memoryTable(speed)}

## The server's arithmetic

Reduce: two gradients arrive, are copied in and added, in GB/s of arriving bytes. Adam: combined gradient, parameters and both moments, version n read and n+1 written, in GB/s of parameters. One thread, WebAssembly SIMD, no sockets.

${kernelTable(kernels)}

## Memory over a long run

${growth ? growthText(growth) : "Not measured in this run."}
`;
}
