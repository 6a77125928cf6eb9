import { UserError } from "@latentweave/protocol";
import type { InferredLayer } from "./infer-layer.ts";
import { initialise } from "./initialise.ts";
import type { UserLayer } from "./layers.ts";

/** Asks a layer of the job's own module for its shapes, and does not trust the answer. */
export function inferUserLayer(
  layer: { readonly layer: string; readonly options: Readonly<Record<string, unknown>> },
  input: readonly number[],
  where: string,
  userLayers: Readonly<Record<string, UserLayer>>,
): InferredLayer {
  const found = Object.hasOwn(userLayers, layer.layer) ? userLayers[layer.layer] : undefined;
  if (!found) {
    const names = Object.keys(userLayers);
    throw new UserError({
      where,
      what: `the job's module has no layer "${layer.layer}"`,
      expected: names.length > 0 ? `one of ${names.join(", ")}` : "a module that exports `layers`",
      mend: 'name the module in the job as layers: "./FILE.ts", and the layer in the record that it exports as `layers`',
    });
  }
  const { shape, parameters } = ask(layer.layer, where, () => ({
    shape: found.outputShape(input, layer.options),
    parameters: found.parameters(input, layer.options),
  }));
  checkShape(shape, `outputShape of the layer "${layer.layer}"`, where);
  const roles = new Set<string>();
  const tensors = parameters.map((parameter) => {
    checkShape(parameter.shape, `the parameter "${parameter.role}" of the layer "${layer.layer}"`, where);
    if (roles.has(parameter.role))
      throw new UserError({
        where,
        what: `the layer "${layer.layer}" has two parameters with the role "${parameter.role}"`,
        mend: "give each a role of its own",
      });
    roles.add(parameter.role);
    // Vectors are biases more often than not; a layer that wants another start says so.
    const name = parameter.initialiser ?? (parameter.shape.length > 1 ? "glorotUniform" : "zeros");
    return {
      role: parameter.role,
      shape: parameter.shape,
      initialiser: initialise(name, parameter.shape),
    };
  });
  return { shape, tensors };
}

function ask<Answer>(layer: string, where: string, question: () => Answer): Answer {
  try {
    return question();
  } catch (error) {
    throw new UserError({
      where,
      what: `the layer "${layer}" of the job's module failed: ${error instanceof Error ? error.message : String(error)}`,
      mend: "mend outputShape and parameters in the module that the job names as `layers`",
      cause: error,
    });
  }
}

function checkShape(shape: unknown, what: string, where: string): void {
  const good =
    Array.isArray(shape) &&
    shape.length > 0 &&
    shape.every((size) => Number.isSafeInteger(size) && (size as number) > 0);
  if (!good)
    throw new UserError({
      where,
      what: `${what} is ${JSON.stringify(shape)}`,
      expected: "a shape: one or more whole numbers of at least 1",
      mend: "mend it in the module that the job names as `layers`",
    });
}
