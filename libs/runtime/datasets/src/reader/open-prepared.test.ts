import { createServer, type Server } from "node:http";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { PreparedManifest } from "@latentweave/protocol";
import { encodeNpy } from "../formats/npy.ts";
import { prepare } from "../prepare/prepare.ts";
import { preparedFilePath } from "../prepared-store.ts";
import { openPrepared, type PreparedReader, type PreparedRow } from "./open-prepared.ts";

let folder = "";
let manifest: PreparedManifest;
let server: Server;
let url = "";
/** What the server does before it answers properly: statuses, or bytes to send instead. */
let answers: (number | Buffer)[] = [];
let requests: string[] = [];
let readers: PreparedReader[] = [];

const rows = 1024;
const width = 5;
const shardBytesInMemory = (rows / 4) * (width * 4 + 4);

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "latentweave-reader-"));
  const x = Float32Array.from({ length: rows * width }, (_, index) => index);
  writeFileSync(path.join(folder, "x.npy"), encodeNpy([rows, width], x));
  writeFileSync(
    path.join(folder, "y.npy"),
    encodeNpy(
      [rows],
      Int32Array.from({ length: rows }, (_, row) => row),
    ),
  );
  manifest = await prepare(
    { npy: { x: path.join(folder, "x.npy"), y: path.join(folder, "y.npy") }, split: { test: 0 } },
    { taskName: "t", baseDirectory: folder, cacheDirectory: folder, log: () => undefined },
  );
  server = createServer((request, response) => {
    const [, hash = "", file = ""] = (request.url ?? "").split("/");
    requests.push(file);
    const answer = answers.shift();
    const found = preparedFilePath(path.join(folder, "prepared"), hash, file);
    if (typeof answer === "number" || !found)
      response.writeHead(typeof answer === "number" ? answer : 404).end();
    else if (answer) response.end(answer);
    else if (request.headers.authorization !== "Bearer t") response.writeHead(401).end();
    else response.end(readFileSync(found));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${manifest.dataHash}`;
});
afterEach(() => {
  for (const reader of readers) reader.close();
  readers = [];
  answers = [];
  requests = [];
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

function open(where: "directory" | "url", cacheBytes = 1e6, cacheDirectory?: string): PreparedReader {
  const reader = openPrepared({
    manifest,
    location:
      where === "directory"
        ? { directory: path.join(folder, "prepared", manifest.dataHash) }
        : { url, headers: { authorization: "Bearer t" } },
    cacheBytes,
    ...(cacheDirectory === undefined ? {} : { cacheDirectory }),
  });
  readers.push(reader);
  return reader;
}

const refs: PreparedRow[] = [
  { shard: 2, row: 255 },
  { shard: 0, row: 0 },
  { shard: 2, row: 0 },
];

describe("a reader of prepared data", () => {
  it("gives the rows asked for, in that order, the same from a folder as over HTTP", async () => {
    const near = await open("directory").rows("train", refs);
    expect(near.y?.length).toBe(3);
    near.y?.forEach((row, index) => {
      const expected = Array.from({ length: width }, (_, column) => row * width + column);
      expect([...near.x.subarray(index * width, (index + 1) * width)]).toEqual(expected);
    });
    expect(await open("url").rows("train", refs)).toEqual(near);
  });

  it("fetches only the shards that rows lie in, each once, even when asked at the same time", async () => {
    const reader = open("url");
    await Promise.all([
      reader.rows("train", refs),
      reader.prefetch("train", [2]),
      reader.rows("train", refs),
    ]);
    expect(requests.length).toBe(2);
    const bytes = [0, 2].map((shard) => manifest.splits.train.shards[shard]?.bytes as number);
    expect(reader.fetchedBytes).toBe((bytes[0] as number) + (bytes[1] as number));
  });

  it("holds no more than its bound, dropping what was not used for longest", async () => {
    const reader = open("directory", 2 * shardBytesInMemory);
    const read = (shard: number): Promise<unknown> => reader.rows("train", [{ shard, row: 0 }]);
    for (const shard of [0, 1, 0, 2]) await read(shard);
    expect(reader.cachedBytes).toBe(2 * shardBytesInMemory);
    const before = reader.fetchedBytes;
    await read(0);
    expect(reader.fetchedBytes).toBe(before);
    await read(1);
    expect(reader.fetchedBytes).toBeGreaterThan(before);
  });

  it("still gives every row when the bound is smaller than a shard", async () => {
    const all = await open("directory").rows("train", refs);
    expect(await open("directory", 1).rows("train", refs)).toEqual(all);
  });

  it("tries again after a server error and after damaged bytes", async () => {
    answers = [503, 500, Buffer.from("garbage")];
    const reader = open("url");
    expect((await reader.rows("train", [{ shard: 1, row: 3 }])).y?.length).toBe(1);
    expect(requests.length).toBe(4);
  });

  it("gives up at once where trying again is no use, and works again later", async () => {
    answers = [404];
    const reader = open("url");
    await expect(reader.rows("train", [refs[0] as PreparedRow])).rejects.toThrow(
      /HTTP 404 \(after 1 attempt\)/,
    );
    expect((await reader.rows("train", [refs[0] as PreparedRow])).y?.length).toBe(1);
  });

  it("stops trying when it is closed", async () => {
    answers = Array.from({ length: 20 }, () => 503);
    const reader = open("url");
    const reading = reader.rows("train", refs);
    reader.close();
    await expect(reading).rejects.toThrow(/abort/i);
  });

  it("keeps what came over HTTP on disk for the next one, and checks it", async () => {
    const kept = path.join(folder, "kept");
    const first = await open("url", 1e6, kept).rows("train", refs);
    requests = [];
    const second = open("url", 1e6, kept);
    expect(await second.rows("train", refs)).toEqual(first);
    expect([requests.length, second.fetchedBytes]).toEqual([0, 0]);
    for (const file of readdirSync(kept)) writeFileSync(path.join(kept, file), "damaged");
    expect(await open("url", 1e6, kept).rows("train", refs)).toEqual(first);
    expect(requests.length).toBe(2);
  });

  it("refuses a damaged shard of a folder, naming the file", async () => {
    const shard = manifest.splits.train.shards[3]?.file as string;
    const file = path.join(folder, "prepared", manifest.dataHash, shard);
    const good = readFileSync(file);
    const bad = Buffer.from(good);
    bad[good.length >> 1] = (bad[good.length >> 1] as number) ^ 1;
    writeFileSync(file, bad);
    await expect(open("directory").rows("train", [{ shard: 3, row: 0 }])).rejects.toThrow(
      `${shard}: a shard of prepared data is damaged`,
    );
    writeFileSync(file, good);
  });

  it("refuses rows and shards that are not there", async () => {
    await expect(open("directory").rows("train", [{ shard: 4, row: 0 }])).rejects.toThrow(
      "train has no shard 4",
    );
    await expect(open("directory").rows("train", [{ shard: 0, row: 256 }])).rejects.toThrow("has no row 256");
    await expect(open("directory").rows("test", [{ shard: 0, row: 0 }])).rejects.toThrow(
      "test has no shard 0",
    );
  });

  it("leaves targets out when they are not asked for", async () => {
    expect(Object.keys(await open("directory").rows("train", refs, ["x"]))).toEqual(["x"]);
    const targets = await open("directory").rows("train", refs, ["y"]);
    expect([targets.x.length, targets.y?.length]).toEqual([0, 3]);
  });
});
