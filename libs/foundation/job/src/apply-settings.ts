import { UserError } from "@latentweave/protocol";

/** How long to train is said in one way only: setting one takes the other back. */
const alternatives: Readonly<Record<string, string>> = { steps: "epochs", epochs: "steps" };

/**
 * The job with fields set as `--set path=value` asks, e.g. `optimiser.learningRate=0.01` or
 * `tasks.digits.encoder[0].units=64`. Values are read as JSON, and as text where they are none; whether path and value
 * fit is for resolveJob to say.
 * @throws UserError (wrong usage) when a setting has no `=`, or leads through something that has no fields.
 */
export function applySettings(input: unknown, settings: readonly string[]): unknown {
  return settings.reduce((job, setting) => {
    const equals = setting.indexOf("=");
    const keys = parsePath(setting.slice(0, Math.max(equals, 0)));
    if (equals < 0 || keys.some((key) => key === ""))
      throw new UserError({
        what: `cannot read the setting "${setting}"`,
        expected: "path=value, such as optimiser.learningRate=0.01",
        mend: "name a field of the job, then = and its value",
        exitCode: 2,
      });
    const changed = withValue(job, keys, parseValue(setting.slice(equals + 1)), setting);
    const other = keys.length === 1 ? alternatives[keys[0] as string] : undefined;
    return other === undefined ? changed : withoutKey(changed, other);
  }, input);
}

function parsePath(path: string): string[] {
  return path.replace(/\[(\d+)\]/g, ".$1").split(".");
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function withValue(target: unknown, keys: readonly string[], value: unknown, setting: string): unknown {
  const [key, ...rest] = keys;
  if (key === undefined) return value;
  if (Array.isArray(target)) {
    const items: readonly unknown[] = target;
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index >= items.length)
      throw new UserError({
        where: setting,
        what: `there is no item "${key}" in a list of ${items.length}`,
        expected: items.length > 0 ? `0 to ${items.length - 1}` : "a field of the job",
        mend: "change the index, or the job file",
        exitCode: 2,
      });
    return items.map((item, at) => (at === index ? withValue(item, rest, value, setting) : item));
  }
  if (target !== undefined && target !== null && typeof target !== "object")
    throw new UserError({
      where: setting,
      what: `"${key}" would be a field of ${JSON.stringify(target)}, which has none`,
      expected: "the path of a field of the job",
      mend: "see docs/job.md for the fields",
      exitCode: 2,
    });
  const object = (target ?? {}) as Readonly<Record<string, unknown>>;
  const before = Object.hasOwn(object, key) ? object[key] : undefined;
  return { ...object, [key]: withValue(before, rest, value, setting) };
}

function withoutKey(target: unknown, key: string): unknown {
  return Object.fromEntries(Object.entries(target as object).filter(([name]) => name !== key));
}
