import { UserError } from "@latentweave/protocol";
import type { Combiner } from "./combiner.ts";
import type {
  QuadraticRegulariser,
  Regulariser,
  RowRegulariser,
  SpectralRegulariser,
} from "./regulariser.ts";

/** A combiner of a job's extension; its name is the one it has in the record. */
export type UserCombiner = Omit<Combiner, "name">;

/** A regulariser of a job's extension: one that learns nothing. */
export type UserRegulariser =
  | Omit<QuadraticRegulariser, "name" | "learn">
  | Omit<RowRegulariser, "name">
  | Omit<SpectralRegulariser, "name">;

/** What a job's extensions bring for the parameter server, by name. */
export interface UserMethods {
  readonly combiners: Readonly<Record<string, UserCombiner>>;
  readonly regularisers: Readonly<Record<string, UserRegulariser>>;
}

/** How a spec names a method of an extension. */
export const userPrefix = "user:";

let newest: { readonly text: string; readonly methods: UserMethods } | undefined;

/**
 * Runs the text of a job's extensions (one bundled ES module) and takes its combiners and regularisers. What it computes
 * reaches weights, so `Math` has there only what is the same in every version of Node.js; dates and chance are refused.
 * This catches mistakes; it is no sandbox.
 * @throws UserError where the text does not run, or a method is not whole
 */
export function userMethods(text: string): UserMethods {
  if (newest?.text === text) return newest.methods;
  const exported = run(text);
  const methods = {
    combiners: recordOf<UserCombiner>(exported, "combiners", (one) =>
      ["init", "solve"].filter((key) => !isFunction(one, key)),
    ),
    regularisers: recordOf<UserRegulariser>(exported, "regularisers", (one) => {
      const { kind } = one as { kind?: unknown };
      if (kind === "quadratic") return ["matrix"].filter((key) => !isFunction(one, key));
      if (kind === "rows" || kind === "spectral") return ["shrink"].filter((key) => !isFunction(one, key));
      return ["kind"];
    }),
  };
  newest = { text, methods };
  return methods;
}

export function userCombiner(text: string | null, name: string): Combiner {
  const found = named(text === null ? {} : userMethods(text).combiners, name, "combiner", "combiner.name");
  return { needsGram: found.needsGram, name, init: found.init.bind(found), solve: found.solve.bind(found) };
}

export function userRegulariser(text: string | null, name: string): Regulariser {
  const found = named(
    text === null ? {} : userMethods(text).regularisers,
    name,
    "regulariser",
    "regulariser.name",
  );
  return { ...found, name };
}

function named<Method>(
  known: Readonly<Record<string, Method>>,
  name: string,
  sort: string,
  where: string,
): Method {
  const found = Object.hasOwn(known, name) ? known[name] : undefined;
  if (found !== undefined) return found;
  const names = Object.keys(known);
  throw new UserError({
    where,
    what: `the job's extensions have no ${sort} "${name}"`,
    expected: names.length > 0 ? `one of ${names.join(", ")}` : `an extension with ${sort}s`,
    mend: `name the module in the job as extensions: ["./FILE.ts"], and the ${sort} in its record \`${sort}s\``,
  });
}

function recordOf<Method>(
  exported: Readonly<Record<string, unknown>>,
  sort: string,
  lacking: (method: object) => readonly string[],
): Readonly<Record<string, Method>> {
  const record = exported[sort] ?? {};
  for (const [name, method] of Object.entries(record as Record<string, unknown>)) {
    const lacks = typeof method === "object" && method !== null ? lacking(method) : ["everything"];
    if (lacks.length > 0)
      throw new UserError({
        where: `extensions: ${sort}.${name}`,
        what: `has no ${lacks.join(", no ")}`,
        expected: 'what its type says: import type { Extension } from "latentweave"',
        mend: "add it",
      });
  }
  return record as Readonly<Record<string, Method>>;
}

function isFunction(object: object, key: string): boolean {
  return typeof (object as Readonly<Record<string, unknown>>)[key] === "function";
}

/** The bundler ends a module with the list of its exports; a function that returns them needs no promise. */
const exportList = /\nexport\s*\{([^}]*)\};?\s*$/;

function run(text: string): Readonly<Record<string, unknown>> {
  const list = exportList.exec(text);
  const names = (list?.[1] ?? "").split(",").flatMap((item) => {
    const [, own, , as] = /^\s*([\w$]+)(\s+as\s+([\w$]+))?\s*$/.exec(item) ?? [];
    return own === undefined ? [] : [`${as ?? own}: ${own}`];
  });
  const body = `"use strict";\n${list ? text.slice(0, list.index) : text}\nreturn { ${names.join(", ")} };`;
  try {
    // It is bundled, hashed and part of what fixes the run's bits.
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the text is the job's own, as its layers are
    const make = new Function("Math", "Date", "performance", "crypto", body) as (
      ...parameters: unknown[]
    ) => Readonly<Record<string, unknown>>;
    return make(exactMath, refusing("Date"), refusing("performance"), refusing("crypto"));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError({
      where: "extensions",
      what: `the job's extensions do not run: ${error instanceof Error ? error.message : String(error)}`,
      mend: "mend the module",
      cause: error,
    });
  }
}

/** Those whose result the language fixes to the last bit. */
const exact = [
  ...["abs", "ceil", "clz32", "floor", "fround", "imul", "max", "min", "round", "sign", "sqrt", "trunc"],
  ...["E", "LN10", "LN2", "LOG10E", "LOG2E", "PI", "SQRT1_2", "SQRT2"],
];

const exactMath = new Proxy(Math, {
  get(target, key) {
    if (typeof key === "symbol" || exact.includes(key)) return Reflect.get(target, key) as unknown;
    throw new UserError({
      where: "extensions",
      what: `Math.${key} is asked for, which differs between versions of Node.js${key === "random" ? ", and from run to run" : ""}`,
      expected:
        "+ − * /, Math.sqrt and the like; exp, log, pow and others from `arithmetic`, draws from `key`",
      mend: "take arithmetic from what solve() is given",
    });
  },
});

function refusing(name: string): unknown {
  const refuse = (): never => {
    throw new UserError({
      where: "extensions",
      what: `${name} is asked for, which differs from run to run`,
      expected: "functions of their arguments",
      mend: "leave it out",
    });
  };
  return new Proxy(function nothing() {}, { get: refuse, apply: refuse, construct: refuse });
}
