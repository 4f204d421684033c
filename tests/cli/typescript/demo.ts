// A client of the real demo: sends every cause to every stack, and prints what it was told.
import { readFileSync } from "node:fs";

import { RetryBudget, callWithRetry, parseError, type Failure } from "./client.ts";

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | null;
}

interface Cause {
  name: string;
  request: Sent;
  before: Sent[];
  inStream: boolean;
}

const told = JSON.parse(readFileSync(0, "utf-8")) as {
  stacks: Record<string, string>;
  attempts: Record<string, number>;
  causes: Cause[];
};

function init({ method, headers, body }: Sent): RequestInit {
  return { method, headers, body: body === null ? null : Buffer.from(body, "base64") };
}

async function meet(url: string, cause: Cause, attempts: number): Promise<object> {
  for (const request of cause.before) {
    await (await fetch(url + request.path, init(request))).arrayBuffer();
  }
  let clock = 0;
  const waits: number[] = [];
  const reasons: string[] = [];
  const result = await callWithRetry(url + cause.request.path, init(cause.request), {
    attempts,
    stream: cause.inStream,
    budget: new RetryBudget(),
    deadlineMs: 30_000,
    now: () => clock,
    random: () => 0,
    sleep: async (ms) => {
      waits.push(ms);
      clock += ms;
    },
    onAttempt: ({ reason }) => reasons.push(reason),
  });
  let failure: Failure | null = result.ok ? null : result.failure;
  if (result.ok && cause.inStream) {
    // Of plain text that was cut off, a client learns nothing else.
    const text = await result.response.text().catch(() => null);
    const data = text?.trimEnd().split("\n").at(-1)?.replace(/^data: /, "");
    failure = data === undefined ? null : parseError(data);
  } else if (result.ok) {
    await result.response.arrayBuffer();
  }
  const status = result.ok ? result.response.status : null;
  return { cause: cause.name, ok: result.ok, status, failure, waits, reasons };
}

async function all(stack: string, url: string): Promise<object[]> {
  const met: object[] = [];
  for (const cause of told.causes) {
    met.push(await meet(url, cause, told.attempts[stack] ?? 1));
  }
  return met;
}

const stacks = Object.entries(told.stacks).map(
  async ([stack, url]) => [stack, await all(stack, url)] as const,
);
console.log(JSON.stringify(Object.fromEntries(await Promise.all(stacks))));
