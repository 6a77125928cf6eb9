import { describe, expect, it } from "vitest";
import {
  hostIdentity,
  isLoopbackAddress,
  isLoopbackHost,
  isOnThisHost,
  loopbackIdentity,
} from "./host-identity.ts";

describe("a peer on this host", () => {
  it("comes from loopback or from this host's own address", () => {
    expect(isOnThisHost("127.0.0.1", "127.0.0.1", hostIdentity)).toBe(true);
    expect(isOnThisHost("10.0.0.5", "10.0.0.5", hostIdentity)).toBe(true);
    expect(isOnThisHost("10.0.0.6", "10.0.0.5", hostIdentity)).toBe(false);
    expect(isOnThisHost(undefined, "10.0.0.5", hostIdentity)).toBe(false);
  });

  it("is not one that comes through a forwarded port from another", () => {
    expect(isOnThisHost("127.0.0.1", "127.0.0.1", "another")).toBe(false);
  });

  it("is told by address, not by a name that looks like one", () => {
    expect(["127.0.0.1", "127.255.0.3", "::1", "::ffff:127.0.0.1"].map(isLoopbackAddress)).not.toContain(
      false,
    );
    expect(["128.0.0.1", "1.127.0.0.1", "::2", "::ffff:10.0.0.1", ""].map(isLoopbackAddress)).not.toContain(
      true,
    );
    expect(["localhost", "[::1]", "::1"].map(isLoopbackHost)).not.toContain(false);
    expect(["localhost.example", "127.0.0.1.example"].map(isLoopbackHost)).not.toContain(true);
  });
});

describe("the loopback interface of this process", () => {
  it("has a name that says no more of the host than the host's own, and is not the same", () => {
    expect(loopbackIdentity).toMatch(/^[0-9a-f]{32}$/);
    expect(loopbackIdentity).not.toBe(hostIdentity);
  });
});
