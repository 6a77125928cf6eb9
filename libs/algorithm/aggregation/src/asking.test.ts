import type { TreeNode } from "@latentweave/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AskedTask, createAsking } from "./asking.ts";
import { isAncestor, maximalNodes, nodeName, rootLevel } from "./tree.ts";
import { TreeCover } from "./tree-cover.ts";

/** A task whose portions are held as its contributions come. */
function task(
  slots: number,
  portions: number,
  apart = false,
): AskedTask & { take(at: number, node: TreeNode): void } {
  const held = Array.from({ length: portions }, () => [] as TreeNode[]);
  return {
    ...{ slots, portions, apart },
    held: (portion) => held[portion] ?? [],
    take(at, node) {
      const nodes = held[at] as TreeNode[];
      if (!nodes.some((one) => isAncestor(one, node))) nodes.push(node);
    },
  };
}

const slot = (index: number): TreeNode => ({ level: 0, index });

describe("what is asked for", () => {
  it("is the first slot's portion first, and others only as far as there is room for what waits", () => {
    const asking = createAsking<string>({ underWay: 9, spare: () => 1 });
    const own = task(8, 1);
    for (const index of [7, 4, 2]) asking.offered("w", own, slot(index));
    // One waits for nobody, another has room.
    expect([asking.next()?.node, asking.next()?.node, asking.next()]).toEqual([slot(2), slot(4), undefined]);
    asking.offered("w", own, slot(3));
    expect([asking.next()?.node, asking.next()]).toEqual([slot(3), undefined]);
    asking.offered("w", own, slot(0));
    expect(asking.next()?.node).toEqual(slot(0));
    asking.offered("w", own, slot(1));
    expect([asking.next()?.node, asking.next()]).toEqual([slot(1), undefined]);
    for (const index of [5, 6]) asking.offered("w", own, slot(index));
    expect([5, 6, 7].map(() => asking.next()?.node)).toEqual([slot(5), slot(6), slot(7)]);
  });

  it("goes through the first portion of all before the second of any", () => {
    const asking = createAsking<string>({ underWay: 9, spare: () => 9 });
    const own = task(2, 2);
    for (const index of [0, 1]) asking.offered(`w${index}`, own, slot(index));
    const portions: string[] = [];
    for (let ask = asking.next(); ask; ask = asking.next()) {
      portions.push(`${ask.who} ${ask.portion}`);
      own.take(ask.portion, ask.node);
      asking.came(ask.who, own, ask.node, ask.portion);
    }
    expect(portions).toEqual(["w0 0", "w1 0", "w0 1", "w1 1"]);
  });

  it("is at most so much at once, and no more of somebody before what they were asked for has come", () => {
    const asking = createAsking<string>({ underWay: 2, spare: () => 9 });
    const own = task(4, 3);
    asking.offered("a", own, slot(0));
    expect([asking.next()?.portion, asking.next()]).toEqual([0, undefined]);
    for (const index of [1, 2]) asking.offered("b", own, slot(index));
    expect([asking.next()?.node, asking.next()]).toEqual([slot(1), undefined]);
    asking.came("a", own, slot(0), 0);
    expect(asking.next()?.node).toEqual(slot(2));
  });

  it("is asked of somebody else when its sender goes", () => {
    const asking = createAsking<string>({ underWay: 9, spare: () => 0 });
    const own = task(2, 1);
    asking.offered("gone", own, slot(0));
    expect(asking.next()?.who).toBe("gone");
    asking.left("gone");
    asking.offered("other", own, slot(0));
    expect([asking.next()?.who, asking.next()]).toEqual(["other", undefined]);
  });

  it("is taken from anybody once somebody is late, and what is under way is not counted on", () => {
    const asking = createAsking<string>({ underWay: 1, spare: () => 0 });
    const own = task(8, 1);
    asking.offered("late", own, slot(0));
    expect(asking.next()?.who).toBe("late");
    asking.offered("w", own, slot(5));
    asking.offered("helper", own, slot(0));
    expect(asking.next()).toBeUndefined();
    asking.hurry();
    expect(asking.next()?.who).toBe("helper");
    own.take(0, slot(0));
    asking.came("helper", own, slot(0));
    expect(asking.next()?.who).toBe("w");
  });

  it("is what others have sent when nothing else is wanted: somebody is to be compared with them", () => {
    const asking = createAsking<string>({ underWay: 1, spare: () => 0 });
    const own = task(2, 1);
    own.take(0, slot(0));
    asking.offered("auditor", own, slot(0));
    asking.offered("w", own, slot(1));
    expect(asking.next()?.who).toBe("w");
    own.take(0, slot(1));
    asking.came("w", own, slot(1));
    expect(asking.next()?.who).toBe("auditor");
  });

  it("counts what has come where it was asked for before its sender offered it again", () => {
    const asking = createAsking<string>({ underWay: 2, spare: () => 0 });
    const own = task(1, 2);
    asking.offered("w", own, slot(0));
    expect(asking.next()?.portion).toBe(0);
    asking.offered("w", own, slot(0));
    // What is under way may be lost, with the connection that it was asked on.
    expect([asking.next()?.portion, asking.next()]).toEqual([0, undefined]);
    own.take(0, slot(0));
    asking.came("w", own, slot(0), 0);
    expect(asking.next()?.portion).toBe(1);
    asking.came("w", own, slot(0), 0);
    expect(asking.next()).toBeUndefined();
    own.take(1, slot(0));
    asking.came("w", own, slot(0), 1);
    expect(asking.next()).toBeUndefined();
  });

  it("is everything, with little that waits, in whatever order it is offered, comes, or is lost", () => {
    const steps = fc.array(fc.nat({ max: 1_000_000 }), { minLength: 400, maxLength: 400 });
    fc.assert(
      fc.property(
        fc.record({ slots: fc.integer({ min: 1, max: 40 }), portions: fc.integer({ min: 1, max: 4 }) }),
        fc.uniqueArray(fc.nat({ max: 40 })),
        fc.integer({ min: 1, max: 4 }),
        fc.nat({ max: 3 }),
        steps,
        ({ slots, portions }, cuts, underWay, spare, draws) => {
          let drawn = 0;
          const draw = (below: number): number => (draws[drawn++ % draws.length] as number) % below;
          const edges = [0, ...cuts.filter((cut) => cut > 0 && cut < slots).sort((a, b) => a - b), slots];
          const pending = edges
            .slice(1)
            .flatMap((end, at) => maximalNodes(edges[at] as number, end, slots))
            .map((node, at) => ({ node, who: `w${at}` }));
          const own = task(slots, portions);
          const asking = createAsking<string>({ underWay, spare: () => spare });
          const coming: { readonly who: string; readonly node: TreeNode; readonly portion: number }[] = [];
          const wasAsked = new Set<string>();
          let most = 0;
          for (let turn = 0; turn < 3_000; turn++) {
            for (let ask = asking.next(); ask; ask = asking.next()) {
              const name = `${ask.who} ${nodeName(ask.node)} ${ask.portion}`;
              expect(wasAsked.has(name)).toBe(false);
              wasAsked.add(name);
              coming.push(ask);
            }
            expect(coming.length).toBeLessThanOrEqual(underWay);
            const covers = Array.from({ length: portions }, (_, at) => new TreeCover(slots, own.held(at)));
            most = Math.max(
              most,
              covers.reduce((sum, { size }) => sum + Math.max(0, size - 1), 0),
            );
            if (pending.length > 0 && draw(2) === 0) {
              const [offer] = pending.splice(draw(pending.length), 1);
              if (offer) asking.offered(offer.who, own, offer.node);
            } else if (coming.length > 0) {
              const [one] = coming.splice(draw(coming.length), 1) as [(typeof coming)[number]];
              if (draw(6) === 0 && one.portion > 0) {
                // Its connection is lost; it offers the same again under another name.
                asking.left(one.who);
                pending.push({ node: one.node, who: `${one.who}'` });
              } else {
                own.take(one.portion, one.node);
                asking.came(one.who, own, one.node, one.portion);
              }
            } else if (pending.length === 0) break;
          }
          for (let at = 0; at < portions; at++)
            expect(new TreeCover(slots, own.held(at)).firstMissing()).toBe(slots);
          // What is due may wait for a neighbour that is: of one portion, a node of each level.
          expect(most).toBeLessThanOrEqual(spare + rootLevel(slots) + underWay);
        },
      ),
    );
  });
});
