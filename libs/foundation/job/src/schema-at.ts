import type { z } from "zod";

type Schema = z.core.$ZodTypes;

/** As text, the discriminator of a member that may leave it out. */
const absent = "undefined";
/** No kind. */
const none = "\0";

/**
 * The schema that governs the value at a path, with defaults, optionals and the like taken off, and of a union the
 * member that the value picks by its discriminator. Undefined where the path leaves the schema.
 */
export function schemaAt(
  schema: z.core.$ZodType,
  value: unknown,
  path: readonly PropertyKey[],
): Schema | undefined {
  const here = unwrap(schema as Schema, value);
  const [key, ...rest] = path;
  if (key === undefined || here === undefined) return here;
  const next = childSchema(here, key);
  return next && schemaAt(next, property(value, key), rest);
}

/** Keys that an object may have at this place. */
export function knownKeys(schema: z.core.$ZodType, value: unknown, path: readonly PropertyKey[]): string[] {
  const here = schemaAt(schema, value, path);
  return here?._zod.def.type === "object" ? Object.keys(here._zod.def.shape) : [];
}

/** Values that the discriminator of the union at this place may have. */
export function knownKinds(schema: z.core.$ZodType, value: unknown, path: readonly PropertyKey[]): string[] {
  const parent = path.slice(0, -1);
  const here = schemaAt(schema, withoutKind(value, parent, path.at(-1)), parent);
  const def = here?._zod.def;
  if (def?.type !== "union") return [];
  const kinds = def.options.flatMap((option) => discriminatorValues(option as Schema, path.at(-1) as string));
  return kinds.filter((kind) => kind !== absent);
}

function unwrap(schema: Schema, value: unknown): Schema | undefined {
  const def = schema._zod.def;
  switch (def.type) {
    case "optional":
    case "nullable":
    case "default":
    case "readonly":
      return unwrap(def.innerType as Schema, value);
    case "pipe":
      return unwrap(def.out as Schema, value);
    case "union": {
      const discriminator = (def as { discriminator?: string }).discriminator;
      const fitting = def.options.find((option) =>
        discriminator === undefined
          ? (unwrap(option as Schema, value)?._zod.def.type === "object") === isObject(value)
          : discriminatorValues(option as Schema, discriminator).includes(
              String(property(value, discriminator)),
            ),
      );
      return fitting ? unwrap(fitting as Schema, value) : schema;
    }
    default:
      return schema;
  }
}

function childSchema(schema: Schema, key: PropertyKey): z.core.$ZodType | undefined {
  const def = schema._zod.def;
  if (def.type === "object") return def.shape[String(key)];
  if (def.type === "record") return def.valueType;
  if (def.type === "array") return def.element;
  return undefined;
}

function discriminatorValues(option: Schema, discriminator: string): string[] {
  const def = option._zod.def;
  if (def.type === "union")
    return def.options.flatMap((member) => discriminatorValues(member as Schema, discriminator));
  if (def.type !== "object") return [];
  return [...(def.shape[discriminator]?._zod.values ?? [])].map(String);
}

/** The same value, its discriminator taken away, so that a union stays a union on the walk. */
function withoutKind(value: unknown, path: readonly PropertyKey[], kind: PropertyKey | undefined): unknown {
  if (!isObject(value)) return value;
  const [key, ...rest] = path;
  if (key === undefined) return { ...value, [kind as string]: none };
  if (Array.isArray(value))
    return value.map((item: unknown, index) => (index === key ? withoutKind(item, rest, kind) : item));
  return { ...value, [key]: withoutKind(property(value, key), rest, kind) };
}

export function property(value: unknown, key: PropertyKey): unknown {
  return isObject(value) && Object.hasOwn(value, key)
    ? (value as Record<PropertyKey, unknown>)[key]
    : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
