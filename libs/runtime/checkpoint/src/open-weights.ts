import { stat } from "node:fs/promises";
import path from "node:path";
import { parametersFile } from "./hash-of-path.ts";
import { openSafetensors } from "./safetensors-file.ts";
import { openTensorFlowJs } from "./tensorflow-js/open-tensorflow-js.ts";
import type { WeightSource } from "./weight-source.ts";

/**
 * Opens a run's newest checkpoint, a checkpoint's own folder, a safetensors file, or a TensorFlow.js model: its
 * `model.json` (or any other .json file with a `weightsManifest`) or the folder that holds it.
 * @throws UserError when there is nothing of the kind, or it is damaged
 */
export async function openWeights(target: string, log: (line: string) => void): Promise<WeightSource> {
  const model = await modelJsonOf(target);
  if (model !== undefined) return await openTensorFlowJs(model);
  const source = await openSafetensors(await parametersFile(target, log));
  const byName = new Map(source.header.tensors.map((tensor) => [tensor.name, tensor]));
  return {
    tensors: source.header.tensors,
    readFloat32({ name }) {
      const stored = byName.get(name);
      if (!stored) throw new RangeError(`${source.path} has no tensor "${name}"`);
      return source.readFloat32(stored);
    },
    close: () => source.close(),
  };
}

async function modelJsonOf(target: string): Promise<string | undefined> {
  const file = path.extname(target) === ".json" ? target : path.join(target, "model.json");
  return await stat(file).then(
    (found) => (found.isFile() ? file : undefined),
    () => undefined,
  );
}
