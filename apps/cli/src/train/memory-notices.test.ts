import { expect, it } from "vitest";
import { createMemoryNotices } from "./memory-notices.ts";

const small = "10305536 bytes are needed, 16973824 are free in /dev/shm";

it("says once why tensors take the socket, whoever says it and however often", () => {
  const said: string[] = [];
  const notices = createMemoryNotices((text) => said.push(text));
  notices("shard-0", `127.0.0.1:49604: tensors go through the socket, not through shared memory: ${small}`);
  notices("worker-1", `127.0.0.1:34031: tensors go through the socket, not through shared memory: ${small}`);
  notices("worker-1", "backend native on the cpu");
  expect(said).toEqual([`shard-0: tensors go through the socket, not through shared memory: ${small}`]);
});

it("says where a shard's memory is instead, also of one beside a worker", () => {
  const said: string[] = [];
  const notices = createMemoryNotices((text) => said.push(text));
  notices("worker-0", "shard 0: this shard's memory is kept in runs/a/vault (/dev/shm: EROFS)");
  expect(said).toEqual(["worker-0: this shard's memory is kept in runs/a/vault (/dev/shm: EROFS)"]);
});

it("says nothing of what was switched off on purpose", () => {
  const said: string[] = [];
  const notices = createMemoryNotices((text) => said.push(text));
  const off = "it is switched off (LATENTWEAVE_SHARED_MEMORY=off)";
  notices("worker-0", `tensors go through sockets, not through shared memory: ${off}`);
  expect(said).toEqual([]);
});
