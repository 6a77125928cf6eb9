import { randomBytes } from "node:crypto";
import type { FaultPlan } from "@latentweave/faults";
import { createNamespace, type Namespace } from "./namespace.ts";
import { isNetworkFault, type Network, openNetwork } from "./network.ts";

export interface DrillNetwork extends Network {
  /** What network faults are done with, for the certificate. */
  readonly means: readonly string[];
  /** For who comes from another host, a network namespace included; undefined: nobody does. */
  readonly token: string | undefined;
}

/** The network that a plan needs; undefined where it leaves the network alone. */
export async function networkFor(
  plan: FaultPlan,
  {
    workers,
    shards,
    beside,
  }: { readonly workers: number; readonly shards: number; readonly beside: boolean },
): Promise<DrillNetwork | undefined> {
  const faults = plan.faults.filter(isNetworkFault);
  if (faults.length === 0) return undefined;
  const names = (role: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${role}-${index}`);
  const joins = plan.faults.filter((fault) => fault.do === "join").map(({ to }) => to);
  const processes = [...names("worker", workers), ...joins, ...names("shard", shards), "coordinator"];
  const struck = new Set(
    faults.flatMap(({ to }) => {
      if (to === "any-worker") return processes.filter((name) => name.startsWith("worker-"));
      return plan.hosts[to] ?? [to];
    }),
  );
  const namespaces = await namespacesFor(
    plan,
    faults.map(({ to }) => to),
  );
  const network = await openNetwork({ processes, shards, beside, struck, namespaces });
  return {
    ...network,
    token: namespaces.size === 0 ? undefined : randomBytes(24).toString("base64url"),
    means: [
      `network faults by proxies between the processes${namespaces.size === 0 ? "" : `; ${[...namespaces.keys()].join(", ")} in network namespaces, cut and slowed down by the kernel where it can`}`,
    ],
  };
}

/** Hosts of workers whose network is struck get a namespace each, where this machine allows it. */
async function namespacesFor(
  plan: FaultPlan,
  targets: readonly string[],
): Promise<ReadonlyMap<string, Namespace>> {
  const found = new Map<string, Namespace>();
  if (process.platform !== "linux" || process.getuid?.() !== 0) return found;
  const hosts = Object.entries(plan.hosts).filter(
    ([host, members]) => targets.includes(host) && members.every((name) => name.startsWith("worker-")),
  );
  for (const [index, [, members]] of hosts.entries())
    try {
      const namespace = await createNamespace(index);
      for (const member of members) found.set(member, namespace);
    } catch {
      // No iproute2, or a container that forbids it: the proxies do what they can, and the certificate says so.
    }
  return found;
}
