/** Learning: what its issue asked to be shown, in its order. */
import { schoolRows } from "./issue-6-school.mjs";

export const items = [...schoolRows];
