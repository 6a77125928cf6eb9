import { UserError } from "@latentweave/protocol";
import type { GroupSpec } from "@latentweave/parameters";
import type { ModelDescription } from "./description.ts";

/** Regularisers whose Ω reads all of a family at once. */
const readsWhole = ["trace", "clustered", "mtrl", "robust", "user"];

/** Those that learn a matrix about the tasks, T×T, and what is on its diagonal at first. */
const learns: Readonly<Record<string, (tasks: number, clusters: number) => number>> = {
  mtrl: (tasks) => 1 / tasks,
  clustered: (tasks, clusters) => clusters / tasks,
};

/**
 * Marks the groups that Ω relates: `TASK/encoder` as the family `encoder`, `TASK/decoder` as `decoder`, and
 * `TASK/head/NAME` as `head/NAME`, each where two or more tasks have one. What Ω learns about a family is a further group,
 * `omega/FAMILY`.
 * @throws UserError when nothing can be related, or when tensors of a family differ in shape.
 */
export function relate(
  specs: readonly GroupSpec[],
  description: Pick<ModelDescription, "tasks" | "regulariser">,
): readonly GroupSpec[] {
  const { omega, on } = description.regulariser;
  if (omega === "none") return specs;
  const familyOf = (spec: GroupSpec): string | undefined => {
    const [owner, part, head] = spec.name.split("/");
    if (owner === undefined || !Object.hasOwn(description.tasks, owner)) return undefined;
    if (on === "heads") return part === "head" ? `head/${head ?? ""}` : undefined;
    return part === on ? on : undefined;
  };
  const members = new Map<string, GroupSpec[]>();
  for (const spec of specs) {
    const family = familyOf(spec);
    if (family !== undefined) members.set(family, [...(members.get(family) ?? []), spec]);
  }
  for (const [family, groups] of members) {
    if (groups.length < 2) members.delete(family);
    else checkSameTensors(groups, on);
  }
  if (members.size === 0)
    throw new UserError({
      where: "regulariser.on",
      what: `there is nothing that "${on}" could relate`,
      expected: `two or more tasks with ${on === "heads" ? "a head of the same name" : `parameters in the ${on}`}`,
      mend: 'choose another of "encoder", "decoder", "heads", or leave the regulariser out',
    });
  const whole = readsWhole.includes(omega);
  const marked = specs.map((spec) => {
    const family = familyOf(spec);
    return family !== undefined && members.has(family) ? { ...spec, family, ...(whole && { whole }) } : spec;
  });
  return [...marked, ...learnedGroups(members, description.regulariser)];
}

function learnedGroups(
  members: ReadonlyMap<string, readonly GroupSpec[]>,
  { omega, clusters = 1 }: ModelDescription["regulariser"],
): GroupSpec[] {
  const first = learns[omega];
  if (!first) return [];
  return [...members].map(([family, { length }]) => ({
    name: `omega/${family}`,
    tasks: [],
    relates: family,
    tensors: [
      {
        name: `omega/${family}/${omega}`,
        shape: [length, length],
        // A family may have fewer tasks than there are clusters.
        initialiser: { kind: "diagonal", value: Math.min(1, first(length, clusters)) },
      },
    ],
  }));
}

function checkSameTensors(groups: readonly GroupSpec[], on: string): void {
  const shapes = groups.map((group) => group.tensors.map(({ shape }) => `[${shape.join(", ")}]`).join(" "));
  const odd = shapes.findIndex((shape) => shape !== shapes[0]);
  if (odd > 0)
    throw new UserError({
      where: "regulariser.on",
      what: `"${groups[0]?.name}" has tensors ${shapes[0]}, but "${groups[odd]?.name}" has ${shapes[odd]}`,
      expected: `the same layers in every task, because "${on}" is to be related number by number`,
      mend: "give both the same layers and input shape, or relate another part",
    });
}
