import { nearest } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import type { Combiner, CombinerConfig, CombinerState } from "./combiner.ts";
import { knownCombiners } from "./known-combiners.ts";
import { knownRegularisers } from "./known-regularisers.ts";
import type { Regulariser } from "./regulariser.ts";
import { userCombiner, userPrefix, userRegulariser } from "./user-methods.ts";

/** A method was registered under a name that is taken: a mistake in the program, not in a job. */
export class NameTakenError extends Error {
  override readonly name = "NameTakenError";
}

const combiners = new Map<string, Combiner>();
const regularisers = new Map<string, Regulariser>();

/** Makes a combiner known under its name. Throws NameTakenError. */
export function registerCombiner<
  State extends CombinerState,
  Options extends CombinerConfig = CombinerConfig,
>(combiner: Combiner<State, Options>): void {
  // Each combiner is only ever given states that it made itself, so forgetting their type here is safe.
  register(combiners, combiner as unknown as Combiner, "combiner");
}

/** Makes a regulariser known under its name. Throws NameTakenError. */
export function registerRegulariser(regulariser: Regulariser): void {
  register(regularisers, regulariser, "regulariser");
}

/**
 * The combiner of that name. Throws UserError naming the nearest known one; `where` is the job's path to the name.
 * @param userModule text of the job's extensions, to which names with their prefix belong
 */
export function combinerNamed(name: string, where = "combiner", userModule: string | null = null): Combiner {
  if (name.startsWith(userPrefix)) return userCombiner(userModule, name.slice(userPrefix.length));
  return named(combiners, name, where, "combiner");
}

/** The regulariser of that name. Throws UserError naming the nearest known one. @param userModule as for combiners */
export function regulariserNamed(
  name: string,
  where = "regulariser.omega",
  userModule: string | null = null,
): Regulariser {
  if (name.startsWith(userPrefix)) return userRegulariser(userModule, name.slice(userPrefix.length));
  return named(regularisers, name, where, "regulariser");
}

function register<Method extends { readonly name: string }>(
  known: Map<string, Method>,
  method: Method,
  sort: string,
): void {
  if (known.has(method.name)) throw new NameTakenError(`there is a ${sort} named "${method.name}" already`);
  known.set(method.name, method);
}

function named<Method>(
  known: ReadonlyMap<string, Method>,
  name: string,
  where: string,
  sort: string,
): Method {
  const method = known.get(name);
  if (method !== undefined) return method;
  const near = nearest(name, [...known.keys()]);
  throw new UserError({
    what: `there is no ${sort} named "${name}"`,
    where,
    expected: [...known.keys()].map((key) => `"${key}"`).join(" or "),
    ...(near === undefined ? {} : { mend: `write "${near}"` }),
  });
}

for (const combiner of knownCombiners) registerCombiner(combiner);
for (const regulariser of knownRegularisers) registerRegulariser(regulariser);
