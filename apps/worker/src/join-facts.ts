import { UserError } from "@latentweave/protocol";
import { backoffMs } from "@latentweave/transport";
import { z } from "zod";

/** What a worker must know before it can load its backend: GET /api/v1/join. */
const joinFactsSchema = z.object({
  runId: z.string(),
  backend: z.enum(["native", "webgpu", "wasm", "cpu"]).nullable(),
  threads: z.int().min(1),
});

export type JoinFacts = z.infer<typeof joinFactsSchema>;

/** A coordinator that has just been started listens within seconds; one that does not in this time is not there. */
const giveUpMs = 60_000;

/** @throws UserError when nobody answers, the token is refused, or what answers is no coordinator. */
export async function fetchJoinFacts(
  coordinator: string,
  token: string | undefined,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<JoinFacts> {
  const url = joinUrl(coordinator);
  const startedMs = performance.now();
  for (let attempt = 0; ; attempt++) {
    const answer = await fetch(url, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal,
    }).catch((error: unknown) => error as Error);
    if (!(answer instanceof Error)) return read(answer, coordinator);
    if (signal.aborted || performance.now() - startedMs > giveUpMs)
      throw new UserError({
        what: `no coordinator answers (${causeOf(answer)})`,
        where: coordinator,
        mend: "check the address and that the run is still going (`latentweave status`)",
        cause: answer,
      });
    if (attempt === 0) log(`waiting for a coordinator at ${coordinator}: ${causeOf(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt, Math.random())));
  }
}

function joinUrl(coordinator: string): URL {
  try {
    return new URL("/api/v1/join", coordinator.replace(/^ws/, "http"));
  } catch {
    throw new UserError({
      what: `"${coordinator}" is no address`,
      expected: "http://HOST:PORT, as `latentweave train` prints it",
      exitCode: 2,
    });
  }
}

async function read(answer: Response, coordinator: string): Promise<JoinFacts> {
  if (answer.status === 401 || answer.status === 403)
    throw new UserError({
      what: "the coordinator refused the token",
      where: coordinator,
      mend: "pass the token that `latentweave train` printed: --token TOKEN",
    });
  const parsed = answer.ok
    ? joinFactsSchema.safeParse(await answer.json().catch(() => undefined))
    : undefined;
  if (parsed?.success) return parsed.data;
  throw new UserError({
    what: `what answers there is no coordinator of this version (HTTP ${answer.status})`,
    where: coordinator,
    mend: "check host and port, and that both sides run the same version of latentweave",
  });
}

function causeOf(error: Error): string {
  const cause = error.cause as { code?: string } | undefined;
  return cause?.code ?? error.message;
}
