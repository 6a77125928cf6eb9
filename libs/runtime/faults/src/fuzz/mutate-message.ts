import type { Draw } from "../draw/keyed-random.ts";
import { pick, whole } from "../draw/choose.ts";

/** What no field expects, or at the edge of what some do. */
const odd: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  0.5,
  2 ** 31,
  2 ** 53 - 1,
  -(2 ** 40),
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1e300,
  "",
  "another",
  "x".repeat(5_000),
  "\u0000\ud800 ../../etc/passwd",
  [],
  [1, 2, 3],
  Array.from({ length: 3_000 }, () => 0),
  {},
  { type: "push" },
  new Uint8Array(3),
];

type Container = Record<string, unknown> | unknown[];

/**
 * The same message with one to three of its fields removed, added, or replaced by something of another type or size;
 * those that say where it belongs (run, timeline, step, protocol) no less than others.
 */
export function mutatedMessage(message: object, draw: Draw): object {
  const copy = structuredClone(message) as Container;
  const times = 1 + whole(draw, "times", 3);
  for (let time = 0; time < times; time++) {
    const places = placesIn(copy);
    const [container, key] = pick(draw, `place ${time}`, places);
    // A copy: it may be changed in its turn, or come to lie within itself.
    const value = structuredClone(pick(draw, `value ${time}`, odd));
    const how = pick(draw, `how ${time}`, ["replace", "replace", "add", "remove", "shift"]);
    const before: unknown = Reflect.get(container, key);
    if (how === "add") Reflect.set(container, Array.isArray(container) ? container.length : "unknown", value);
    else if (how === "shift" && typeof before === "number")
      Reflect.set(container, key, before + pick(draw, `by ${time}`, [-1, 1, 256, 2 ** 32]));
    else if (how !== "remove") Reflect.set(container, key, value);
    else if (Array.isArray(container)) container.splice(Number(key), 1);
    else Reflect.deleteProperty(container, key);
  }
  return copy;
}

/** Every field of every depth, with what it is a field of. */
function placesIn(container: Container): [container: Container, key: string][] {
  return Object.keys(container).flatMap((key) => {
    const value: unknown = Reflect.get(container, key);
    const inside = isContainer(value) ? placesIn(value) : [];
    return [[container, key] as [Container, string], ...inside];
  });
}

function isContainer(value: unknown): value is Container {
  return typeof value === "object" && value !== null && !ArrayBuffer.isView(value);
}
