import type { MessageOf, Work } from "@latentweave/protocol";
import { type Flow, type FlowOptions, membersOf } from "../flow.ts";
import { createAssignedSubscribers } from "./assigned-subscribers.ts";
import type { InHand } from "./board.ts";
import { createOrderedStepping } from "./ordered-stepping.ts";

/** Connects the steps of the modes with an order with workers, leader, followers and coordinator. */
export function createOrderedFlow(options: FlowOptions): Flow {
  const { runId, index } = options;
  const { leads } = options.stepping;

  const assignMessage = (inHand: readonly InHand[]): MessageOf<"assign"> => ({
    ...{ type: "assign", runId, timeline: options.timeline() },
    work: inHand.map(({ planned, basis, workers }) => ({ planned, basis, workers: [...workers] })),
  });

  const subscribers = createAssignedSubscribers({
    ...options.subscribers,
    onLacking(workerId, work) {
      if (leads) stepping.order.lacks(workerId, work);
      else
        options
          .leader()
          ?.send({ ...{ type: "lacking", runId, timeline: options.timeline() }, workerId, work });
    },
  });
  const stepping = createOrderedStepping({
    ...options.stepping,
    onAssigned(inHand, opened) {
      if (leads) for (const follower of options.followers()) follower.send(assignMessage(inHand));
      subscribers.assign(byWorker(inHand), opened);
    },
    onOwed: (work) => subscribers.owe(work),
    onOrphaned: (step) =>
      options.coordinator()?.send({ type: "orphaned", runId, timeline: options.timeline(), index, step }),
    onHopeless: (reason) => options.onFailed(new Error(reason)),
  });

  return {
    stepping,
    subscribers,
    members(message) {
      subscribers.setMembers(membersOf(message));
      if (leads) stepping.order.setTeams(teamsOf(message));
    },
    assigned: (message) => stepping.order.assigned(message),
    lacking({ timeline, workerId, work }) {
      if (timeline === options.timeline()) stepping.order.lacks(workerId, work);
    },
    bringUpToDate(follower) {
      const { inHand } = stepping.order;
      if (inHand) follower.send(assignMessage(inHand));
    },
  };
}

function byWorker(inHand: readonly InHand[]): ReadonlyMap<string, Work> {
  return new Map(
    inHand.flatMap(({ planned, basis, workers }) =>
      workers.map((workerId): [string, Work] => [workerId, { planned, basis }]),
    ),
  );
}

/** Those that have something to do, in the order of their numbers. */
function teamsOf({ workers }: MessageOf<"members">): string[][] {
  const teams = new Map<number, string[]>();
  for (const { workerId, team } of workers) {
    if (team === undefined) continue;
    const known = teams.get(team);
    if (known) known.push(workerId);
    else teams.set(team, [workerId]);
  }
  return [...teams].sort(([a], [b]) => a - b).map(([, team]) => team);
}
