import type { Lease, MessageOf, TaskRecord } from "@latentweave/protocol";
import type { Member } from "./member.ts";
import type { RunLog } from "./run-log.ts";

type Nodes = readonly Pick<TaskRecord, "task" | "round" | "shards">[];

/**
 * Who computes right. Two workers that send different bits for the same micro-batches accuse each other: the step is
 * undone, and both are checked by others in every step from then on; whoever has two accusers is convicted. A step whose sum is not finite is computed once more, by others: the same bits again are
 * the task's own doing, other bits convict who sent the first ones.
 *
 * Invariants:
 * 1. A convicted worker contributes nothing any more, and nothing that it ever contributed stays in the weights.
 * 2. Nobody is convicted on the word of a single other worker, but for a number that is not finite.
 * 3. A step about which workers disagree does not stay as it is.
 */
export interface Trust {
  accused(message: MessageOf<"suspect">): void;
  unfit(message: MessageOf<"unfit">): void;
  committed(message: MessageOf<"committed">): void;
  /** Accused by one other worker: they are audited in every step. */
  readonly suspects: ReadonlySet<string>;
}

/** Two workers alone may disagree so often: a device that errs once in a while is borne, one that keeps erring is not. */
const mostDisagreements = 3;
/** Attempts at a step whose sum is not finite, each by other workers than the one before. */
const mostAttempts = 3;

export function createTrust(options: {
  readonly log: RunLog;
  readonly active: () => readonly Member[];
  /** The job has not given that up: whoever computes right computes the same bits. */
  readonly sameBits: boolean;
  /** Version at which this coordinator took the run over: it does not know who contributed before. */
  readonly fromVersion: number;
  /** Everybody goes back to before the step, and suspects are audited by others from now on. */
  readonly onDoubt: (step: number, why: string) => void;
  /** The worker is out; everybody goes back to before `step`. */
  readonly onConvicted: (workerId: string, step: number, why: string) => void;
  /** The step in progress begins anew, with these leases. */
  readonly onRedo: (step: number, leases: ReadonlyMap<string, Lease[]>, why: string) => void;
  /** Whoever computes the step comes to these numbers: it is committed without the tasks whose they are. */
  readonly onBorneOut: (step: number, timeline: number) => void;
  readonly onFailed: (reason: string) => void;
}): Trust {
  const { log } = options;
  const firstSteps = new Map<string, number>();
  const accusers = new Map<string, Set<string>>();
  const convicted = new Set<string>();
  let suspects: ReadonlySet<string> = new Set();
  let disagreements = 0;
  let odd:
    | {
        readonly step: number;
        readonly timeline: number;
        readonly attempts: number;
        readonly nodes: Nodes;
        readonly borneOut?: boolean;
      }
    | undefined;

  const accuse = (who: string, by: string): void => {
    let others = accusers.get(who);
    if (!others) accusers.set(who, (others = new Set<string>()));
    others.add(by);
  };

  const convict = (workerId: string, why: string): void => {
    convicted.add(workerId);
    accusers.delete(workerId);
    // Whoever was accused by a liar alone is free again.
    for (const others of accusers.values()) others.delete(workerId);
    suspects = new Set([...accusers].filter(([, others]) => others.size > 0).map(([who]) => who));
    log.event("error", `worker ${workerId} is quarantined: ${why}`);
    const first = options.fromVersion > 0 ? 0 : (firstSteps.get(workerId) ?? 0);
    options.onConvicted(workerId, first, why);
  };

  return {
    get suspects() {
      return suspects;
    },
    accused({ step, task, node, workers: [one, other] }) {
      if (convicted.has(one) || convicted.has(other)) return;
      accuse(one, other);
      accuse(other, one);
      const where = `step ${step}, task "${task}", node ${node.level}/${node.index}`;
      log.event("warning", `workers ${one} and ${other} sent different bits (${where})`);
      const liar = [one, other].find((who) => (accusers.get(who)?.size ?? 0) > 1);
      if (liar !== undefined) {
        convict(liar, `two others computed other bits than it sent, the last in ${where}`);
        return;
      }
      disagreements += 1;
      if (options.active().length < 3 && disagreements >= mostDisagreements) {
        options.onFailed(
          `workers ${one} and ${other} computed different bits ${disagreements} times, the last in ${where}, and with two workers nobody can tell who is right: run \`latentweave doctor\` on both, and resume with a third`,
        );
        return;
      }
      suspects = new Set([...suspects, one, other]);
      options.onDoubt(step, `workers ${one} and ${other} computed different bits (${where})`);
    },
    unfit({ step, timeline, reason, tasks, pausable }) {
      // Told once more: the connection, or the answer, was lost.
      if (odd?.step === step && odd.timeline === timeline) {
        if (odd.borneOut) options.onBorneOut(step, timeline);
        return;
      }
      const isAgain = odd?.step === step;
      const attempts = isAgain && odd ? odd.attempts + 1 : 1;
      const isSame = isAgain && odd && options.sameBits && differing(odd.nodes, tasks).length === 0;
      if (pausable && (isSame || (attempts > mostAttempts && !options.sameBits))) {
        log.event(
          "warning",
          `step ${step}: ${reason}, and others computed the same; it is committed without ${pausable.map((task) => `task "${task}"`).join(" and ")}`,
        );
        odd = { step, timeline, attempts, nodes: tasks, borneOut: true };
        options.onBorneOut(step, timeline);
        return;
      }
      if (isSame) {
        options.onFailed(
          `step ${step} cannot be committed: ${reason}, and other workers computed the same; a smaller learning rate, clipNorm or cleaner data usually mends it`,
        );
        return;
      }
      if (attempts > mostAttempts) {
        options.onFailed(
          `step ${step} cannot be committed: ${reason}, and ${options.sameBits ? "it came out differently each time" : `so it was ${mostAttempts} times, by other workers each; a smaller learning rate, clipNorm or cleaner data usually mends it`}`,
        );
        return;
      }
      odd = { step, timeline, attempts, nodes: tasks };
      log.event("warning", `step ${step}: ${reason}; it is computed once more, by others`);
      options.onRedo(step, turned(options.active()), reason);
    },
    committed({ step, timeline, tasks }) {
      for (const { shards } of tasks)
        for (const { nodes } of shards)
          for (const [, , workerId] of nodes) if (!firstSteps.has(workerId)) firstSteps.set(workerId, step);
      if (!odd || odd.step !== step || odd.timeline === timeline) return;
      // Without the same bits, other bits say nothing against whoever sent them.
      const liars = options.sameBits ? differing(odd.nodes, tasks) : [];
      odd = undefined;
      for (const [liar, witness] of liars) {
        if (liar === witness)
          log.event(
            "warning",
            `worker ${liar} computed step ${step} twice, and got other bits the second time`,
          );
        else if (!convicted.has(liar))
          convict(liar, `it sent a number that is not finite in step ${step}, ${witness} did not`);
      }
    },
  };
}

/** Each worker gets what its neighbour had, so that the same nodes come of it. */
function turned(active: readonly Member[]): Map<string, Lease[]> {
  return new Map(
    active.map((member, place) => [
      member.workerId,
      [...(active[(place + 1) % active.length]?.leases ?? [])],
    ]),
  );
}

/** Who sent other bits the first time, and who the second, node by node. */
function differing(first: Nodes, second: Nodes): (readonly [first: string, second: string])[] {
  const then = new Map(entriesOf(second));
  const pairs = entriesOf(first).flatMap(([key, [workerId, digest]]) => {
    const again = then.get(key);
    return again && again[1] !== digest ? [[workerId, again[0]] as const] : [];
  });
  return [...new Map(pairs.map((pair) => [pair.join(" "), pair])).values()];
}

function entriesOf(
  tasks: Nodes,
): (readonly [key: string, sent: readonly [workerId: string, digest: string]])[] {
  return tasks.flatMap(({ task, round, shards }) =>
    shards.flatMap(({ index, nodes }) =>
      nodes.map(
        ([level, place, workerId, digest]) =>
          [`${task} ${round} ${index} ${level} ${place}`, [workerId, digest] as const] as const,
      ),
    ),
  );
}
