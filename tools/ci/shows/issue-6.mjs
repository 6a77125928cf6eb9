/** The learning: what its issue asked to be shown. */
import { autoencoderRows } from "./issue-6-autoencoders.mjs";

export const items = [...autoencoderRows];
