import {
  availableThreads,
  type BackendName,
  createInlineCompute,
  type LoadedBackend,
  loadBackend,
} from "@latentweave/compute";
import type { Compute, TaskGraph } from "@latentweave/model";
import type { OpenedRun } from "./open-run.ts";

/** A backend for looking at results: nothing here reaches a weight, so it may use every core. */
export async function loadReportBackend(name?: BackendName): Promise<LoadedBackend> {
  return await loadBackend({ ...(name === undefined ? {} : { name }), threads: availableThreads() });
}

/** The run's model with the weights of its checkpoint. @param more graphs beside those of the last phase. Close it. */
export async function loadModel(
  run: OpenedRun,
  backend: LoadedBackend,
  more: readonly TaskGraph[] = [],
): Promise<Compute> {
  const compute = createInlineCompute(backend);
  await compute.load({
    layout: run.layout,
    phases: run.spec.phases.map(({ name, graphs }, phase) => ({
      name,
      tasks: phase === run.phase ? [...graphs, ...more] : graphs,
    })),
    seed: run.spec.seed,
    ...(run.spec.userModule === null ? {} : { userModule: run.spec.userModule }),
  });
  await compute.setParameters(run.parameters.map((values, group) => ({ group, start: 0, values })));
  return compute;
}
