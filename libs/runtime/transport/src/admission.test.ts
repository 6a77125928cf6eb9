import { describe, expect, it } from "vitest";
import { admit, type AdmissionPolicy } from "./admission.ts";

const open: AdmissionPolicy = { token: undefined, allowedOrigins: [], cookieName: "c" };
const guarded: AdmissionPolicy = {
  token: "secret",
  allowedOrigins: ["https://board.example"],
  cookieName: "c",
};
const none = new URLSearchParams();

describe("with a token", () => {
  it.each([
    ["no token", {}, "", 401],
    ["a wrong token", { authorization: "Bearer wrong" }, "", 401],
    ["a token that only begins right", { authorization: "Bearer secre" }, "", 401],
    ["another scheme", { authorization: "Basic secret" }, "", 401],
    ["a wrong token in the address", {}, "token=x", 401],
    ["a wrong token in the cookie", { cookie: "c=x" }, "", 401],
    ["the cookie of another port", { cookie: "d=secret" }, "", 401],
    [
      "the right token and a foreign page",
      { authorization: "Bearer secret", origin: "https://evil.example" },
      "",
      403,
    ],
    ["the right token and a page from a file", { authorization: "Bearer secret", origin: "null" }, "", 403],
  ])("refuses %s", (_, headers, query, status) => {
    const decision = admit({ host: "10.0.0.1:7070", ...headers }, new URLSearchParams(query), guarded);
    expect(decision).toMatchObject({ kind: "refused", status });
  });

  it.each([
    ["the token in the header", { authorization: "Bearer secret" }, "", "header"],
    ["the token in the address", {}, "token=secret", "query"],
    ["the token in the cookie", { cookie: "a=b; c=secret" }, "", "cookie"],
    ["its own page", { authorization: "Bearer secret", origin: "http://10.0.0.1:7070" }, "", "header"],
    ["a listed origin", { authorization: "Bearer secret", origin: "https://board.example" }, "", "header"],
  ])("admits %s", (_, headers, query, tokenFrom) => {
    const decision = admit({ host: "10.0.0.1:7070", ...headers }, new URLSearchParams(query), guarded);
    expect(decision).toEqual({ kind: "admitted", tokenFrom });
  });
});

describe("without a token", () => {
  it.each(["localhost:7070", "127.0.0.1:7070", "127.8.8.8", "[::1]:7070", "LOCALHOST"])(
    "admits host %s",
    (host) => {
      expect(admit({ host }, none, open).kind).toBe("admitted");
    },
  );

  it.each(["evil.example:7070", "10.0.0.1", "localhost.evil.example", "127.0.0.1.evil.example", ""])(
    "refuses host %s, so that no page reaches this host under a name of its own",
    (host) => {
      expect(admit({ host, origin: `http://${host}` }, none, open)).toMatchObject({
        kind: "refused",
        status: 403,
      });
    },
  );

  it("refuses pages of other origins, another port of this host included", () => {
    const host = "localhost:7070";
    expect(admit({ host, origin: "http://localhost:8080" }, none, open)).toMatchObject({ status: 403 });
    expect(admit({ host, origin: "http://localhost:7070" }, none, open).kind).toBe("admitted");
  });
});
