import type { TreeNode } from "@latentweave/protocol";
import { nodeRange } from "./tree.ts";
import { TreeCover } from "./tree-cover.ts";

/*
 * Which portion of which offered contribution is asked for next, so that what a shard holds beside its weights does not
 * grow with how many send to it. What takes memory are sums that wait for a neighbour in the tree: contributions are asked
 * for from the first slot on, portion after portion, and one that would have to wait is left with its sender, but for as
 * many as `spare` says.
 *
 * Invariants:
 * 1. Of a task's first portion that is not complete, the first slot that is missing is asked for as soon as it is offered,
 *    whatever else waits: a step never stands still for want of room.
 * 2. An offer's portions are asked for in their order, each once, one at a time.
 * 3. What somebody else was asked for already, or has sent, is asked for when nothing else is: it is compared and dropped.
 */

/** Where the contributions of one task are added up. */
export interface AskedTask {
  readonly slots: number;
  /** How many portions a contribution is asked for in. */
  readonly portions: number;
  /** Contributions are not added up: each takes its room whenever it comes. */
  readonly apart: boolean;
  /** The nodes that are held of a portion. */
  held(portion: number): readonly TreeNode[];
}

export interface Ask<Who> {
  readonly task: AskedTask;
  readonly node: TreeNode;
  readonly who: Who;
  readonly portion: number;
}

export interface Asking<Who> {
  offered(who: Who, task: AskedTask, node: TreeNode): void;
  /** A portion has come, or without one all of it, asked for or not: `held` says so already. */
  came(who: Who, task: AskedTask, node: TreeNode, portion?: number): void;
  /** It is not to be had any more, or not from them. */
  withdrawn(who: Who, task: AskedTask, node: TreeNode): void;
  /** Everything that they have offered. */
  left(who: Who): void;
  /**
   * Somebody is late: to wait for what is next would have everything else sent behind it. What is offered is asked for,
   * and what is under way may never come.
   */
  hurry(): void;
  /** Undefined: nothing is to be asked for now. What it returns counts as asked. */
  next(): Ask<Who> | undefined;
}

interface Offer<Who> {
  readonly who: Who;
  readonly task: AskedTask;
  readonly node: TreeNode;
  readonly start: number;
  /** The portion to ask for next. */
  next: number;
  /** Whether the one before it is still to come; `doubtful`: it is not counted on. */
  underWay: "no" | "yes" | "doubtful";
}

/**
 * @param options.underWay portions that are asked for and have not come, at most
 * @param options.spare portions of a task that may wait for a neighbour in the tree, beside one of each
 */
export function createAsking<Who>(options: {
  readonly underWay: number;
  readonly spare: (task: AskedTask) => number;
}): Asking<Who> {
  /** By first slot: most of them wait. */
  const offers = new Map<AskedTask, Offer<Who>[]>();
  /** What is held or under way of each portion. */
  const covers = new Map<AskedTask, TreeCover[]>();
  let underWay = 0;
  let hurried = false;

  const offersOf = (task: AskedTask): Offer<Who>[] => {
    let known = offers.get(task);
    if (!known) offers.set(task, (known = []));
    return known;
  };

  const find = (who: Who, task: AskedTask, node: TreeNode): Offer<Who> | undefined =>
    offersOf(task).find(
      (offer) => offer.who === who && offer.node.level === node.level && offer.node.index === node.index,
    );

  const coverNow = (task: AskedTask, portion: number): TreeCover => {
    const coming = offersOf(task).filter((offer) => offer.underWay === "yes" && offer.next - 1 === portion);
    return new TreeCover(task.slots, [...task.held(portion), ...coming.map(({ node }) => node)]);
  };

  const coversOf = (task: AskedTask): TreeCover[] => {
    let known = covers.get(task);
    if (!known) {
      known = Array.from({ length: task.portions }, (_, portion) => coverNow(task, portion));
      covers.set(task, known);
    }
    return known;
  };

  const remove = (offer: Offer<Who>): void => {
    const all = offersOf(offer.task);
    all.splice(all.indexOf(offer), 1);
    if (offer.underWay !== "yes") return;
    underWay -= 1;
    const known = covers.get(offer.task);
    if (known) known[offer.next - 1] = coverNow(offer.task, offer.next - 1);
  };

  /** Asked for now, of what nobody else was asked for. */
  const timely = (task: AskedTask): Offer<Who> | undefined => {
    const all = coversOf(task);
    const isOpen = (cover: TreeCover | undefined): boolean =>
      cover !== undefined && cover.firstMissing() < task.slots;
    const first = all.findIndex(isOpen);
    const waiting = all.reduce((sum, { size }) => sum + Math.max(0, size - 1), 0);
    const room = task.apart || hurried ? Infinity : options.spare(task) - waiting;
    let best: Offer<Who> | undefined;
    for (const offer of offersOf(task)) {
      if (offer.underWay !== "no" || (best && best.next <= offer.next)) continue;
      const cover = all[offer.next] as TreeCover;
      if (cover.has(offer.node)) continue;
      const isDue = offer.next === first && offer.start <= cover.firstMissing();
      // One of each portion has room in any case.
      const cost = cover.growth(offer.node) - (cover.size === 0 ? 1 : 0);
      if (isDue || cost <= room) best = offer;
    }
    return best;
  };

  const ask = (offer: Offer<Who>): Ask<Who> => {
    const { task, node, who, next: portion } = offer;
    coversOf(task)[portion]?.add(node);
    offer.next += 1;
    offer.underWay = "yes";
    underWay += 1;
    return { task, node, who, portion };
  };

  return {
    offered(who, task, node) {
      const before = find(who, task, node);
      if (before) remove(before);
      const { start } = nodeRange(node, task.slots);
      const all = offersOf(task);
      const at = all.findIndex((other) => other.start > start);
      all.splice(at < 0 ? all.length : at, 0, { who, task, node, start, next: 0, underWay: "no" });
    },
    came(who, task, node, portion) {
      const known = covers.get(task) ?? [];
      for (const cover of portion === undefined ? known : known.slice(portion, portion + 1)) cover.add(node);
      const offer = find(who, task, node);
      if (!offer || offer.underWay === "no") return;
      // Who offers again what was asked for before sends it twice: what counts is the newer question.
      const isIt = portion === undefined ? task.portions === 1 : portion === offer.next - 1;
      if (!isIt) return;
      if (offer.underWay === "yes") underWay -= 1;
      offer.underWay = "no";
      if (offer.next === task.portions) remove(offer);
    },
    withdrawn(who, task, node) {
      const offer = find(who, task, node);
      if (offer) remove(offer);
    },
    left(who) {
      for (const all of offers.values()) for (const offer of [...all]) if (offer.who === who) remove(offer);
    },
    hurry() {
      hurried = true;
      underWay = 0;
      for (const all of offers.values())
        for (const offer of all) if (offer.underWay === "yes") offer.underWay = "doubtful";
      covers.clear();
    },
    next() {
      if (underWay >= options.underWay) return undefined;
      for (const task of offers.keys()) {
        const offer = timely(task);
        if (offer) return ask(offer);
      }
      for (const [task, all] of offers) {
        const known = all.find(
          ({ underWay: coming, next, node }) => coming === "no" && coversOf(task)[next]?.has(node) === true,
        );
        if (known) return ask(known);
      }
      return undefined;
    },
  };
}
