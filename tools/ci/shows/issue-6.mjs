/** The learning: what its issue asked to be shown, in its order. */
import { autoencoderRows } from "./issue-6-autoencoders.mjs";
import { schoolRows } from "./issue-6-school.mjs";

export const items = [...autoencoderRows, ...schoolRows].sort((a, b) => a.number - b.number);
