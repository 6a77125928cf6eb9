import { formerScheduleOf, scheduleOf, uncompressedScheduleOf } from "./generate.ts";
import type { Schedule } from "./schedule.ts";

/** Each of these broke an invariant once; what did is in the history of the engines. */
const seeds = [
  374, 1547, 6227, 6604, 10140, 10189, 17414, 1295, 32356, 61638, 89761, 73445, 47131, 52924, 91038, 94411,
  48498, 101153, 112835, 30845, 33706, 44724, 161134,
];
/** The same, of the schedules that seeds drew before. */
const formerSeeds = [
  1, 25, 28, 36, 63, 65, 71, 73, 78, 95, 97, 107, 121, 139, 146, 149, 151, 173, 242, 291, 318, 322, 415, 426,
  438, 463, 491, 501, 506, 551, 566, 569, 666, 868, 870, 1011, 335, 384, 404, 719, 1099, 1245, 1432, 1775,
  2043, 2092, 2948, 3535, 4136,
];

/** Of runs whose workers share so many hosts. */
const onHosts = [
  { seed: 1223, hosts: 2 },
  { seed: 1417, hosts: 2 },
  { seed: 2276, hosts: 1 },
];

export function knownFailures(): Schedule[] {
  return [
    ...seeds.map(uncompressedScheduleOf),
    ...formerSeeds.map(formerScheduleOf),
    ...onHosts.map(({ seed, hosts }) => ({ ...scheduleOf(seed), hosts })),
  ];
}
