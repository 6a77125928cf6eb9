/** Nothing is lost: what its issue asked to be shown, in its order. */
import { chaos } from "./chaos.mjs";
import { liar } from "./liar.mjs";
import { mutations } from "./mutations.mjs";
import { recovery } from "./recovery.mjs";
import { simulation } from "./simulation.mjs";
import { straggler } from "./straggler.mjs";
import { thousandWorkers } from "./thousand-workers.mjs";
import { wrongFrames } from "./wrong-frames.mjs";

const groups = [chaos, simulation, recovery, straggler, thousandWorkers, mutations, wrongFrames, liar];

export const items = groups.flat().sort((a, b) => a.number.localeCompare(b.number, "en", { numeric: true }));
