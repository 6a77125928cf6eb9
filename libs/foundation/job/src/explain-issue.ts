import type { z } from "zod";
import { nearest } from "./nearest.ts";
import type { Problem } from "./problem.ts";
import { knownKeys, knownKinds, property, schemaAt } from "./schema-at.ts";

type Issue = z.core.$ZodIssue;

/** What the validator found, in words for the person who wrote the job: value, expectation, and the way to mend it. */
export function explainIssue(issue: Issue, schema: z.core.$ZodType, input: unknown): readonly Problem[] {
  const { path } = issue;
  const value = path.reduce<unknown>(property, input);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(key, path, knownKeys(schema, input, path)));
    case "invalid_union": {
      if (issue.errors.length === 0) return [unknownKind(path, value, knownKinds(schema, input, path))];
      const branch = issue.errors.find((errors) => !errors.some((error) => error.path.length === 0));
      if (branch)
        return branch.flatMap((inner) =>
          explainIssue({ ...inner, path: [...path, ...inner.path] }, schema, input),
        );
      const expected = issue.errors.map((errors) => (errors[0] ? expectation(errors[0]) : "")).join(", or ");
      const names = issue.errors.flatMap(([error]) => (error?.code === "invalid_value" ? error.values : []));
      const near = typeof value === "string" ? nearest(value, names.map(String)) : undefined;
      const problem = wrongValue(path, value, expected);
      return [near === undefined ? problem : { ...problem, mend: `did you mean "${near}"?` }];
    }
    case "invalid_key":
      return [
        {
          path,
          what: "is no name that can be used",
          expected: issue.issues[0]?.message.replace(/^expected /, "") ?? "another name",
          mend: "rename it",
        },
      ];
    case "custom":
      return issue.message.startsWith("expected ")
        ? [{ path, what: `got ${showValue(value)}`, expected: issue.message.slice("expected ".length) }]
        : [{ path, what: issue.message }];
    default: {
      const whole = issue.code === "invalid_type" && isWholeNumber(schemaAt(schema, input, path));
      return [wrongValue(path, value, whole ? (types.int as string) : expectation(issue))];
    }
  }
}

function unknownKey(key: string, path: readonly PropertyKey[], known: readonly string[]): Problem {
  const near = nearest(key, known);
  return {
    path: [...path, key],
    what: "unknown key",
    ...(known.length > 0 ? { expected: `one of ${known.join(", ")}` } : {}),
    mend: near === undefined ? "remove it" : `did you mean "${near}"?`,
  };
}

function unknownKind(path: readonly PropertyKey[], value: unknown, kinds: readonly string[]): Problem {
  const near = typeof value === "string" ? nearest(value, kinds) : undefined;
  const expected = `one of ${kinds.map((kind) => JSON.stringify(kind)).join(", ")}`;
  if (value === undefined) return { path, what: "is missing", expected, mend: "add it" };
  return {
    path,
    what: `got ${showValue(value)}`,
    expected,
    ...(near === undefined ? {} : { mend: `did you mean "${near}"?` }),
  };
}

function wrongValue(path: readonly PropertyKey[], value: unknown, expected: string): Problem {
  const key = String(path.at(-1));
  if (value === undefined) {
    const isData = path.length === 3 && path[0] === "tasks" && path[2] === "data";
    return {
      path,
      what: isData ? `the task "${String(path[1])}" has no data` : "is missing",
      expected: isData ? "where its samples come from" : expected,
      mend: isData ? 'add data: { dataset: "mnist" }, or { csv: "FILE.csv" }' : `add ${key}`,
    };
  }
  const unquoted =
    typeof value === "string" &&
    expected.includes("number") &&
    value.trim() !== "" &&
    Number.isFinite(Number(value));
  return {
    path,
    what: `got ${showValue(value)}`,
    expected,
    mend: unquoted ? `write ${value.trim()} without quotes` : `change ${key}`,
  };
}

const types: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  string: "text",
  boolean: "true or false",
  object: "an object",
  record: "an object with a name for each entry",
  array: "a list",
};

function expectation(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return types[issue.expected] ?? issue.expected;
    case "invalid_value": {
      const values = issue.values.map((value) => JSON.stringify(value));
      return values.length === 1 ? (values[0] as string) : `one of ${values.join(", ")}`;
    }
    case "too_small":
      if (issue.origin === "array") return `a list of at least ${issue.minimum}`;
      if (issue.origin === "string") return "text that is not empty";
      return `a ${wholeOr(issue.origin)}number ${issue.inclusive === false ? "above" : "of at least"} ${issue.minimum}`;
    case "too_big":
      if (issue.origin === "string") return `text of at most ${issue.maximum} characters`;
      return `a ${wholeOr(issue.origin)}number ${issue.inclusive === false ? "below" : "of at most"} ${issue.maximum}`;
    default:
      return issue.message.replace(/^expected /, "");
  }
}

function isWholeNumber(schema: ReturnType<typeof schemaAt>): boolean {
  return (
    schema?._zod.def.type === "number" && "format" in schema._zod.def && schema._zod.def.format === "safeint"
  );
}

function wholeOr(origin: string): string {
  return origin === "int" ? "whole " : "";
}

/** A value as the job would write it, shortened. */
export function showValue(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (typeof value === "function") return "a function";
  // undefined for what JSON has no word for
  const text = (JSON.stringify(value) as string | undefined) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
