import { request } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { closeCodes, UserError } from "@latentweave/protocol";
import {
  closed,
  closeFrameOf,
  dial,
  dialer,
  handshake,
  note,
  Opened,
  rawPeer,
  readAll,
  startCoordinator,
} from "./test-peers.ts";
import { subprotocol } from "./versions.ts";

const opened = new Opened();
afterEach(() => opened.close());

async function answerTo(port: number, bytes: string): Promise<Buffer> {
  const socket = await rawPeer(opened, port);
  socket.write(bytes, "latin1");
  return readAll(socket);
}

function get(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string; cookie: string | undefined }> {
  return new Promise((resolve, reject) => {
    request(url, { headers, agent: false }, (response) => {
      let body = "";
      response.on("data", (chunk) => (body += String(chunk)));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body, cookie: response.headers["set-cookie"]?.[0] }),
      );
    })
      .on("error", reject)
      .end();
  });
}

describe("listening", () => {
  it.each(["0.0.0.0", "::", "192.168.1.10", "example.com"])(
    "on %s without a token is refused",
    async (host) => {
      await expect(startCoordinator(opened, { host })).rejects.toThrow(
        /will not listen on .* without a token/,
      );
    },
  );

  it("on every address with a token is allowed, and the URL is one that works", async () => {
    const coordinator = await startCoordinator(opened, { host: "0.0.0.0", token: "t" });
    const worker = await dial(opened, coordinator.server.url, { token: "t" });
    expect(worker.remote).toBe(`127.0.0.1:${coordinator.server.port}`);
  });

  it("on a port in use says which, and how to choose another", async () => {
    const first = await startCoordinator(opened);
    const second = startCoordinator(opened, { port: first.server.port });
    await expect(second).rejects.toThrow(UserError);
    await expect(second).rejects.toThrow(`port ${first.server.port} is already in use`);
    await expect(second).rejects.toThrow("--port");
  });

  it("on an address of another host says so", async () => {
    await expect(startCoordinator(opened, { host: "192.0.2.1", token: "t" })).rejects.toThrow(
      /no such address/,
    );
  });

  it("ends with close(): the port is free again, channels are told, nothing hangs", async () => {
    const first = await startCoordinator(opened);
    const worker = await dial(opened, first.server.url);
    worker.onMessage(() => undefined);
    const silent = await rawPeer(opened, first.server.port);
    silent.write(handshake());
    await first.nextChannel();
    await first.nextChannel();
    const end = closed(worker);
    await first.server.close();
    expect((await end).code).toBe(closeCodes.goingAway);
    await startCoordinator(opened, { port: first.server.port });
  });
});

describe("a peer without the right token", () => {
  it("is refused, in a way that the dialer can tell from other failures", async () => {
    const coordinator = await startCoordinator(opened, { token: "right" });
    for (const token of [undefined, "wrong"]) {
      await expect(dialer({ token }).dial(coordinator.server.url)).rejects.toMatchObject({
        name: "ChannelRefused",
        code: closeCodes.wrongToken,
      });
    }
    expect(coordinator.log.length).toBe(2);
    expect(coordinator.log.join()).not.toContain("right");
  });

  it("does not learn anything over HTTP either", async () => {
    const coordinator = await startCoordinator(opened, {
      token: "right",
      http: (_, response) => {
        response.end("secret");
        return true;
      },
    });
    const { url } = coordinator.server;
    expect(await get(url)).toMatchObject({ status: 401 });
    expect(await get(url, { authorization: "Bearer right" })).toMatchObject({
      status: 200,
      body: "secret",
      cookie: undefined,
    });
  });

  it("does not see the token of the address in messages", async () => {
    const coordinator = await startCoordinator(opened, { token: "right" });
    const attempt = dialer().dial(`${coordinator.server.url}/?token=nearlyright`);
    await expect(attempt).rejects.toThrow("?token=...");
    await expect(attempt).rejects.not.toThrow("nearlyright");
  });
});

describe("a browser", () => {
  it("enters with the token in its address, and keeps it as a cookie that no script can read", async () => {
    const coordinator = await startCoordinator(opened, {
      token: "a b",
      http: (_, response) => {
        response.writeHead(200, { "content-type": "text/html" }).end("page");
        return true;
      },
    });
    const first = await get(`${coordinator.server.url}/?token=a%20b`);
    expect(first.body).toBe("page");
    expect(first.cookie).toMatch(/; HttpOnly; SameSite=Strict$/);
    const cookie = first.cookie?.split(";")[0] ?? "";
    expect((await get(coordinator.server.url, { cookie })).body).toBe("page");
    const answer = await rawPeer(opened, coordinator.server.port);
    answer.write(handshake("/", { Cookie: cookie, Origin: "http://127.0.0.1" }));
    await coordinator.nextChannel();
  });

  it("is refused when its page comes from elsewhere", async () => {
    const coordinator = await startCoordinator(opened);
    const answer = await answerTo(
      coordinator.server.port,
      handshake("/", { Origin: "https://evil.example" }),
    );
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 403 /);
    expect(await get(coordinator.server.url, { origin: "https://evil.example" })).toMatchObject({
      status: 403,
    });
  });

  it("is refused when it was led here under a foreign name", async () => {
    const coordinator = await startCoordinator(opened);
    const headers = { Host: "evil.example", Origin: "http://evil.example" };
    expect((await answerTo(coordinator.server.port, handshake("/", headers))).toString()).toMatch(
      /^HTTP\/1\.1 403 /,
    );
  });
});

describe("a peer of another version", () => {
  it.each([
    ["latentweave.v1", "latentweave.v1"],
    ["chat, latentweave.v99", "latentweave.v99"],
    ["", "no latentweave protocol"],
  ])("(%s) is closed with a message that names both", async (offered, named) => {
    const coordinator = await startCoordinator(opened);
    const headers = handshake("/", { "Sec-WebSocket-Protocol": offered });
    const bytes = offered === "" ? headers.replace("Sec-WebSocket-Protocol: \r\n", "") : headers;
    const socket = await rawPeer(opened, coordinator.server.port);
    socket.write(bytes);
    const answer = await readAll(socket);
    const end = closeFrameOf(answer);
    expect(end?.code).toBe(closeCodes.wrongVersion);
    expect(end?.reason).toContain(subprotocol);
    expect(end?.reason).toContain(named);
    expect(coordinator.log.length).toBe(1);
  });

  it("that offers ours too is welcome", async () => {
    const coordinator = await startCoordinator(opened);
    const socket = await rawPeer(opened, coordinator.server.port);
    socket.write(handshake("/", { "Sec-WebSocket-Protocol": `latentweave.v99, ${subprotocol}` }));
    await coordinator.nextChannel();
  });
});

describe("garbage on the port", () => {
  it.each([
    ["random bytes", "\x00\x01\x02\xff\xfe\x16\x03\x01\r\n\r\n"],
    ["a TLS greeting", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    [
      "an upgrade without a key",
      "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
    ["a path that is none", handshake("http://[")],
  ])("costs one line in the log and its own connection: %s", async (_, bytes) => {
    const coordinator = await startCoordinator(opened);
    const answer = (await answerTo(coordinator.server.port, bytes)).toString("latin1");
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(coordinator.log.length).toBe(1);
    expect(coordinator.log[0]).toContain("127.0.0.1:");
    await dial(opened, coordinator.server.url);
  });
});

describe("HTTP", () => {
  it("answers what the handler knows, and 404 for the rest", async () => {
    const coordinator = await startCoordinator(opened, {
      http: async (request, response) => {
        if (request.url !== "/known") return false;
        response.end("yes");
        return true;
      },
    });
    expect(await get(`${coordinator.server.url}/known`)).toMatchObject({ status: 200, body: "yes" });
    expect(await get(`${coordinator.server.url}/other`)).toMatchObject({ status: 404 });
  });

  it("answers 500 when the handler fails, says why in the log, and lives on", async () => {
    const coordinator = await startCoordinator(opened, {
      http: () => {
        throw new Error("the disk is gone");
      },
    });
    expect(await get(coordinator.server.url)).toMatchObject({ status: 500 });
    expect(coordinator.log[0]).toContain("the disk is gone");
    expect(await get(coordinator.server.url)).toMatchObject({ status: 500 });
  });
});

describe("too many connections", () => {
  it("are refused beyond the limit, and those within it work on", async () => {
    const coordinator = await startCoordinator(opened, { maxConnections: 2 });
    const first = await dial(opened, coordinator.server.url);
    await dial(opened, coordinator.server.url);
    await expect(dialer().dial(coordinator.server.url)).rejects.toMatchObject({ name: "ChannelRefused" });
    const channel = await coordinator.nextChannel();
    const arriving = new Promise((resolve) => channel.onMessage(resolve));
    first.send(note("inside"));
    expect(await arriving).toEqual(note("inside"));
  });
});
