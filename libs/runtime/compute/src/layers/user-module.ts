import type { UserLayer } from "@latentweave/model";

/** The job's layers module cannot be used. */
export class UserModuleError extends Error {
  override readonly name = "UserModuleError";
}

/**
 * Imports the module's text (plain JavaScript, ESM, no imports of its own).
 * @throws UserModuleError when it does not load or exports no record `layers`.
 */
export async function importUserLayers(text: string): Promise<Readonly<Record<string, UserLayer>>> {
  const url = `data:text/javascript;base64,${Buffer.from(text, "utf8").toString("base64")}`;
  let module: { readonly layers?: unknown };
  try {
    module = (await import(/* @vite-ignore */ url)) as { readonly layers?: unknown };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UserModuleError(`the job's layers module does not load: ${reason}`, { cause });
  }
  const { layers } = module;
  if (typeof layers !== "object" || layers === null)
    throw new UserModuleError("the job's layers module must export a record named `layers`");
  for (const [name, layer] of Object.entries(layers))
    if (typeof (layer as { apply?: unknown } | null)?.apply !== "function")
      throw new UserModuleError(`layer "${name}" of the job's layers module has no function apply()`);
  return layers as Readonly<Record<string, UserLayer>>;
}
