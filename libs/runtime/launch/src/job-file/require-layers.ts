import type { UserLayer } from "@latentweave/model";
import { UserError } from "@latentweave/protocol";

/** @throws UserError where a module exports no record of whole layers */
export function requireLayers(
  exported: Readonly<Record<string, unknown>>,
  where: string,
): Readonly<Record<string, UserLayer>> {
  const { layers } = exported;
  const functions = ["outputShape", "parameters", "apply"] as const;
  if (typeof layers !== "object" || layers === null)
    throw new UserError({
      where,
      what: "exports no layers",
      expected: "export const layers = { NAME: { outputShape, parameters, apply } }",
      mend: "export a record named `layers`",
    });
  for (const [name, layer] of Object.entries(layers) as [string, Partial<UserLayer> | null][])
    for (const key of functions)
      if (typeof layer?.[key] !== "function")
        throw new UserError({
          where,
          what: `the layer "${name}" has no function ${key}`,
          expected: `the functions ${functions.join(", ")}`,
          mend: "add it",
        });
  return layers as Readonly<Record<string, UserLayer>>;
}
