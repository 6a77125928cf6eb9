import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { isLoopbackHost } from "./host-identity.ts";

/** Who may speak to the port. */
export interface AdmissionPolicy {
  readonly token: string | undefined;
  /** Further origins (scheme://host:port) whose pages may connect. */
  readonly allowedOrigins: readonly string[];
  /** Browsers keep cookies per host, not per port. */
  readonly cookieName: string;
}

export type Admission =
  | { readonly kind: "admitted"; readonly tokenFrom: "none" | "header" | "query" | "cookie" }
  | { readonly kind: "refused"; readonly status: 400 | 401 | 403; readonly reason: string };

/**
 * Decides about one request or upgrade, from its headers and query alone.
 *
 * Without a token the port is on loopback, and the danger is a web page in this machine's own browser: pages of other
 * origins are refused, and so is every host name that does not mean this host, since a page can make its own name
 * resolve to 127.0.0.1 and be of the "same" origin.
 */
export function admit(
  headers: IncomingHttpHeaders,
  query: URLSearchParams,
  policy: AdmissionPolicy,
): Admission {
  const host = headers.host ?? "";
  if (policy.token === undefined && !isLoopbackHost(hostName(host))) {
    return refused(403, `host "${host}" is not this host; to serve other names, start with a token`);
  }
  if (headers.origin !== undefined && !originAllowed(headers.origin, host, policy.allowedOrigins)) {
    return refused(403, `origin "${headers.origin}" may not connect here`);
  }
  if (policy.token === undefined) return { kind: "admitted", tokenFrom: "none" };
  const given = givenToken(headers, query, policy.cookieName);
  if (given === undefined)
    return refused(401, "a token is needed (Authorization: Bearer, or ?token= in a browser)");
  if (!sameText(given.token, policy.token)) return refused(401, "wrong token");
  return { kind: "admitted", tokenFrom: given.from };
}

function refused(status: 400 | 401 | 403, reason: string): Admission {
  return { kind: "refused", status, reason };
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, "");
}

function originAllowed(origin: string, host: string, allowed: readonly string[]): boolean {
  if (allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase() && host !== "";
}

function givenToken(
  headers: IncomingHttpHeaders,
  query: URLSearchParams,
  cookieName: string,
): { readonly token: string; readonly from: "header" | "query" | "cookie" } | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
  if (bearer !== undefined) return { token: bearer, from: "header" };
  const inQuery = query.get("token");
  if (inQuery !== null) return { token: inQuery, from: "query" };
  for (const pair of (headers.cookie ?? "").split(";")) {
    const [name, value] = pair.trim().split("=", 2);
    if (name === cookieName && value !== undefined) return { token: decoded(value), from: "cookie" };
  }
  return undefined;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** In a time that depends on neither text: digests of equal length are compared. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
