/** Learning: what its issue asked to be shown, in its order. */
import { reportRows } from "./issue-6-report.mjs";

export const items = [...reportRows];
