/**
 * A step of two workers that compute nothing, beside gloo's all-reduce of as many bytes. Ours is the whole step: push,
 * reduce, an update by SGD, the commit and its record, broadcast. An all-reduce has no update and no record.
 */
import { smallWarmupSteps } from "../warm-up.mjs";
import { otherPlacement, placements } from "./ddp-rows.mjs";

const sizes = [
  { name: "4kb", title: "4 KB", numbers: 1_024, warmup: smallWarmupSteps, steps: 2_000, bar: 3 },
  { name: "1mb", title: "1 MB", numbers: 262_144, warmup: 4_000, steps: 1_000, bar: 3 },
  { name: "16mb", title: "16 MB", numbers: 4_194_304, judged: "beside", warmup: 1_000, steps: 100, bar: 1.5 },
  { name: "100mb", title: "100 MB", numbers: 26_214_400, judged: "beside", warmup: 150, steps: 30, bar: 1.5 },
];
const workers = 2;

const caseOf = ({ name, title, warmup, steps, numbers }, { rows, ratios }) => ({
  ...{ name, title, unit: "worker-exchanges", ratios },
  rows: [
    ...rows.map(({ name: row, ...how }) => ({
      ...{ name: row, side: "exchange" },
      options: { workers, numbers, warmup, steps, ...how },
    })),
    { name: "gloo", side: "all-reduce", options: { workers, numbers, warmup, steps } },
  ],
  sameHash: true,
});

const socketsOnly = { LATENTWEAVE_SHARED_MEMORY: "off" };

const throughMemory = sizes.map(({ judged = "dedicated", ...size }) =>
  caseOf(
    { ...size, name: `exchange-${size.name}`, title: `exchange of ${size.title}` },
    {
      rows: [
        { name: "beside", settings: placements.beside },
        { name: "dedicated", settings: placements.dedicated },
      ],
      ratios: [
        { of: judged, to: "gloo", bar: size.bar },
        { of: otherPlacement[judged], to: "gloo" },
      ],
    },
  ),
);

/** Of these, steps before those that count: each takes longer. */
const socketsWarmup = { "4kb": smallWarmupSteps, "1mb": 1_500, "16mb": 150, "100mb": 15 };
const throughSockets = sizes.map(({ judged = "dedicated", ...size }) =>
  caseOf(
    {
      ...size,
      ...{ name: `sockets-${size.name}`, title: `exchange of ${size.title}, through WebSockets` },
      ...{ warmup: socketsWarmup[size.name], steps: Math.ceil(size.steps / 2) },
    },
    {
      // Beside, what a worker gives its own shard passes no socket, as what a rank of gloo keeps for itself passes none.
      rows: Object.entries(placements).map(([name, settings]) => ({ name, settings, env: socketsOnly })),
      ratios: [
        { of: judged, to: "gloo", bar: 0.5 },
        { of: otherPlacement[judged], to: "gloo" },
      ],
    },
  ),
);

export const exchangeCases = [...throughMemory, ...throughSockets];
