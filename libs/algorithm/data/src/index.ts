export { type RowRef, type Unit, TooFewRows } from "./row-ref.ts";
export { dealUnits } from "./deal-units.ts";
export { type SlotOrder, type SlotOrderOptions, createSlotOrder } from "./slot-order.ts";
export { sequentialRefs } from "./sequential-refs.ts";
