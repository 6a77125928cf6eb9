/** Speed: what its issue asked to be shown, in its order. */
import { chaosBeside } from "./chaos.mjs";

export const items = [chaosBeside];
