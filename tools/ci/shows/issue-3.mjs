/** The main job: what its issue asked to be shown, in its order. */
import { drawing } from "./drawing.mjs";
import { freshStart } from "./fresh-start.mjs";
import { memory } from "./memory.mjs";
import { sameBits } from "./same-bits.mjs";

export const items = [...freshStart, ...sameBits, ...memory, ...drawing].sort((a, b) =>
  a.number.localeCompare(b.number, "en", { numeric: true }),
);
