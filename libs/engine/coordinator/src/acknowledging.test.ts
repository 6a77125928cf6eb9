import { expect, it } from "vitest";
import { createAcknowledging } from "./acknowledging.ts";

function scene() {
  const told: string[] = [];
  const acknowledging = createAcknowledging((timeline, step) => told.push(`${timeline}.${step}`));
  return { acknowledging, told };
}

const nextTurn = (): Promise<void> => new Promise(setImmediate);

it("tells of the last of the commits that were recorded together, and of those recorded later once more", async () => {
  const { acknowledging, told } = scene();
  const written = Promise.resolve();
  for (const step of [4, 5, 6]) void written.then(() => acknowledging.recorded(0, step));
  await nextTurn();
  expect(told).toEqual(["0.6"]);
  acknowledging.recorded(0, 7);
  await nextTurn();
  expect(told).toEqual(["0.6", "0.7"]);
});

it("tells of the newer timeline, to which the older one's commits mean nothing", async () => {
  const { acknowledging, told } = scene();
  acknowledging.recorded(0, 9);
  acknowledging.recorded(1, 3);
  await nextTurn();
  expect(told).toEqual(["1.3"]);
});
