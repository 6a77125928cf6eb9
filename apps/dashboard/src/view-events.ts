import type { RunEvent } from "@latentweave/telemetry";
import { byId, element, keyed } from "./dom.ts";
import { clockTime } from "./format.ts";

/** Newest first, so that the newest is in sight without scrolling. */
export function showEvents(events: readonly RunEvent[]): void {
  // Two events may have the same time and text; their place from the oldest tells them apart.
  const counts = new Map<string, number>();
  const withKeys = events.map((event) => {
    const name = `${event.atMs} ${event.text}`;
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return { event, key: `${name} ${count}` };
  });
  keyed(
    byId("events"),
    withKeys.reverse(),
    ({ key }) => key,
    ({ event }) => {
      const item = element("li");
      item.dataset.level = event.level;
      const time = element("time", "muted", clockTime(event.atMs));
      time.setAttribute("datetime", new Date(event.atMs).toISOString());
      if (event.level !== "info") item.append(element("span", "visually-hidden", `${event.level}: `));
      item.append(time, element("span", "event-text", event.text));
      return item;
    },
    () => undefined,
  );
}
