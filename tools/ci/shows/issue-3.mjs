/** The main job: what its issue asked to be shown, in its order. */
import { benchmarks } from "./benchmarks.mjs";
import { drawing } from "./drawing.mjs";
import { freshStart } from "./fresh-start.mjs";
import { memory } from "./memory.mjs";
import { recording } from "./recording.mjs";
import { sameBits } from "./same-bits.mjs";
import { truth } from "./truth.mjs";
import { twoHosts } from "./two-hosts.mjs";

const groups = [freshStart, sameBits, twoHosts, truth, benchmarks, recording, memory, drawing];

export const items = groups.flat().sort((a, b) => a.number.localeCompare(b.number, "en", { numeric: true }));
