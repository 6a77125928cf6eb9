import type { UserLayer, UserLoss } from "@latentweave/model";

/** The job's layers module cannot be used. */
export class UserModuleError extends Error {
  override readonly name = "UserModuleError";
}

/** What a job's own modules bring for the device, by name. */
export interface UserModule {
  readonly layers: Readonly<Record<string, UserLayer>>;
  readonly losses: Readonly<Record<string, UserLoss>>;
}

/**
 * Imports the module's text (plain JavaScript, ESM, no imports of its own).
 * @throws UserModuleError when it does not load, exports no record `layers`, or `losses` is something else than one.
 */
export async function importUserModule(text: string): Promise<UserModule> {
  const url = `data:text/javascript;base64,${Buffer.from(text, "utf8").toString("base64")}`;
  let module: { readonly layers?: unknown; readonly losses?: unknown };
  try {
    module = (await import(/* @vite-ignore */ url)) as typeof module;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UserModuleError(`the job's layers module does not load: ${reason}`, { cause });
  }
  return {
    layers: withApply(module.layers, "layers") as UserModule["layers"],
    losses: withApply(module.losses ?? {}, "losses") as UserModule["losses"],
  };
}

const nameOfOne = { layers: "layer", losses: "loss" } as const;

function withApply(record: unknown, field: keyof typeof nameOfOne): Readonly<Record<string, unknown>> {
  if (typeof record !== "object" || record === null)
    throw new UserModuleError(`the job's layers module must export a record named \`${field}\``);
  for (const [name, one] of Object.entries(record))
    if (typeof (one as { apply?: unknown } | null)?.apply !== "function")
      throw new UserModuleError(
        `${nameOfOne[field]} "${name}" of the job's layers module has no function apply()`,
      );
  return record as Readonly<Record<string, unknown>>;
}
