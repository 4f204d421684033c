// What the generated client does, told by fetches that answer what each test wants.
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import {
  CallError,
  RetryBudget,
  assertNever,
  callWithRetry,
  hasCode,
  isCode,
  isEnvelope,
  matchError,
  parseError,
  unwrap,
  type Code,
  type Failure,
  type RetryOptions,
} from "./client.ts";

const URL_ = "http://service.example/v2/chat";

function envelope(code: string, type: string, more: object = {}): string {
  const error = { type, code, message: "No", param: null, request_id: "req-0123456789", ...more };
  return JSON.stringify({ error });
}

const BUSY = envelope("service_unavailable", "server_error");

type Answer = [status: number, body?: string, headers?: Record<string, string>] | Error;

/** A call of a service that gives these answers, in this order; time passes only in waits. */
async function call(
  answers: Answer[],
  init: RequestInit = {},
  options: RetryOptions = {},
): Promise<{
  reasons: string[];
  waits: number[];
  sent: number;
  ok: boolean;
  attempts: number;
  failure: Failure | null;
  response: Response | null;
  budget: RetryBudget;
}> {
  let clock = 0;
  let sent = 0;
  const waits: number[] = [];
  const reasons: string[] = [];
  const budget = options.budget ?? new RetryBudget();
  const result = await callWithRetry(URL_, init, {
    now: () => clock,
    random: () => 0.5,
    sleep: async (ms) => {
      waits.push(ms);
      clock += ms;
    },
    onAttempt: ({ reason }) => reasons.push(reason),
    fetch: async () => {
      const answer = answers[sent];
      sent += 1;
      if (answer === undefined) throw new Error("one call too many");
      if (answer instanceof Error) throw answer;
      const [status, body, headers] = answer;
      return new Response(body ?? null, { status, headers: headers ?? {} });
    },
    ...options,
    budget,
  });
  const failure = result.ok ? null : result.failure;
  const response = result.ok ? result.response : null;
  return { reasons, waits, sent, ok: result.ok, attempts: result.attempts, failure, response, budget };
}

test("an error of the catalogue is known", () => {
  const found = parseError(envelope("context_not_found", "not_found_error", { param: "context_id" }), {
    status: 404,
    headers: { "X-Should-Retry": "false", "retry-after": "7" },
  });
  assert.deepEqual(found, {
    kind: "known",
    code: "context_not_found",
    status: 404,
    type: "not_found_error",
    message: "No",
    param: "context_id",
    requestId: "req-0123456789",
    retry: false,
    retryAfter: 7,
  });
});

test("a code that the catalogue lacks is unknown, and retried like its status", () => {
  for (const code of ["newer", "constructor", "tostring", "valueof"]) {
    const found = parseError(envelope(code, "rate_limit_error"), { status: 429 });
    assert.equal(found?.kind, "unknown");
    assert.equal(found?.retry, true);
  }
  const gone = parseError(envelope("newer", "not_found_error"), { status: 404 });
  assert.equal(gone?.retry, false);
  const moved = parseError(envelope("context_not_found", "not_found_error"), { status: 410 });
  assert.equal(moved?.kind, "unknown");
});

test("an error event of a stream has the status of its code, or of its type", () => {
  assert.equal(parseError(BUSY)?.status, 503);
  assert.equal(parseError(envelope("newer", "conflict_error"))?.status, 409);
});

test("the header says whether to retry, in every form of headers", () => {
  const said = envelope("internal", "server_error");
  const retry = (headers: Headers | Record<string, string | string[]>): boolean | undefined =>
    parseError(said, { status: 500, headers })?.retry;
  assert.equal(retry({}), true);
  assert.equal(retry(new Headers({ "x-should-retry": "false" })), false);
  assert.equal(retry({ "X-SHOULD-RETRY": ["false", "FALSE"] }), false);
  assert.equal(retry({ "x-should-retry": ["true", "false"] }), true); // it says nothing
  const conflict = envelope("conflict", "conflict_error");
  assert.equal(parseError(conflict, { status: 409, headers: { "x-should-retry": "true" } })?.retry, true);
});

test("whatever else there is, is no error of the service", () => {
  const good = JSON.parse(BUSY) as { error: Record<string, unknown> };
  assert.ok(isEnvelope(good));
  for (const change of [
    { type: "odd_error" },
    { type: 1 },
    { code: "Bad" },
    { code: "a".repeat(65) },
    { message: " " },
    { message: "a".repeat(1025) },
    { message: "😀".repeat(1025) },
    { message: "a".repeat(1_000_000) },
    { param: "" },
    { param: 1 },
    { param: "a\nb" },
    { param: undefined },
    { request_id: "a b" },
    { request_id: "" },
  ]) {
    assert.equal(parseError({ error: { ...good.error, ...change } }), null, JSON.stringify(change));
  }
  assert.ok(isEnvelope({ error: { ...good.error, message: "😀".repeat(1024) } }));
  for (const value of [null, undefined, 1, "", "{", "null", "[]", [], {}, { error: null }, "<html>"]) {
    assert.equal(parseError(value, { status: 500 }), null);
  }
  for (const status of [200, 302, 404, 502, 504, 700]) {
    assert.equal(parseError(BUSY, { status }), null);
  }
});

test("guards tell a code and its error", () => {
  assert.ok(isCode("internal"));
  assert.ok(!isCode("newer") && !isCode("constructor") && !isCode(1));
  const failure: Failure | null = parseError(BUSY);
  assert.ok(failure !== null && hasCode(failure, "internal", "service_unavailable"));
  assert.ok(!hasCode(failure, "internal"));
  assert.throws(() => assertNever("new" as never), /not handled: "new"/);
});

test("a handler for each code is called with its error", () => {
  const handlers = new Proxy({} as Record<Code, (error: { code: string }) => string>, {
    get: () => (error: { code: string }) => error.code,
  });
  const known = parseError(BUSY);
  const unknown = parseError(envelope("newer", "conflict_error"));
  assert.ok(known !== null && unknown !== null);
  assert.equal(matchError(known, handlers, () => "other"), "service_unavailable");
  assert.equal(matchError(unknown, handlers, (failure) => failure.kind), "unknown");
});

test("three attempts, a second and two and half a second of jitter", async () => {
  const said = await call([[503, BUSY], [503, BUSY], [503, BUSY]], { method: "POST" });
  assert.deepEqual(said.waits, [1500, 2500]);
  assert.deepEqual(said.reasons, ["retrying", "retrying", "attempts"]);
  assert.equal(said.failure?.kind, "known");
});

test("a success ends it, with its body, and gives a token back", async () => {
  const budget = new RetryBudget();
  budget.spend(false);
  const said = await call([[500, "oops"], [200, '{"a":1}', { etag: '"x"' }]], {}, { budget });
  assert.deepEqual(await said.response?.json(), { a: 1 });
  assert.equal(said.response?.headers.get("etag"), '"x"');
  assert.deepEqual([said.ok, said.attempts, budget.tokens], [true, 2, 500 - 14 - 14 + 1]);
  assert.equal((await call([[204]])).response?.status, 204);
});

test("it waits what the service asks, and gives up where that is too long", async () => {
  const asks = (headers: Record<string, string>): Answer => [503, BUSY, headers];
  assert.deepEqual((await call([asks({ "retry-after": "9" }), [200]])).waits, [9000]);
  assert.deepEqual((await call([asks({ "retry-after": "61" })])).reasons, ["wait_too_long"]);
  assert.deepEqual((await call([asks({ "retry-after": "30" })])).reasons, ["deadline"]);
  const long = { deadlineMs: 300_000 };
  assert.deepEqual((await call([asks({ "retry-after": "60" }), [200]], {}, long)).waits, [60_000]);
  const stream = { stream: true };
  assert.deepEqual((await call([asks({ "retry-after": "60" }), [200]], {}, stream)).waits, [60_000]);
});

test("a veto stops it, and a wish begins it", async () => {
  const internal = envelope("internal", "server_error");
  const veto = await call([[500, internal, { "x-should-retry": "false" }]]);
  assert.deepEqual(veto.reasons, ["not_retryable"]);
  const conflict = envelope("conflict", "conflict_error");
  const wish = await call([[409, conflict, { "x-should-retry": "true" }], [200]]);
  assert.deepEqual(wish.reasons, ["retrying"]);
  const foreign = await call([[409, "later", { "x-should-retry": "true" }], [200]]);
  assert.deepEqual(foreign.reasons, ["retrying"]);
  const post = { method: "POST" };
  const unsafe = await call([[409, "later", { "x-should-retry": "true" }]], post);
  assert.deepEqual(unsafe.reasons, ["not_idempotent"]);
});

test("an answer that is not the service's keeps what can be told", async () => {
  const page = "x".repeat(100_000);
  const said = await call([[404, page, { "x-request-id": "req-1" }]]);
  assert.ok(said.failure?.kind === "foreign");
  const { status, requestId, retry, body } = said.failure;
  assert.deepEqual([status, requestId, retry, body.length], [404, "req-1", false, 65_536]);
});

test("the body of a failed answer is closed before the wait", async () => {
  const events: string[] = [];
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(10_000)),
    cancel: () => void events.push("closed"),
  });
  const answers = [new Response(endless, { status: 500 }), new Response("fine")];
  await callWithRetry(URL_, {}, {
    fetch: async () => answers.shift() as Response,
    sleep: async () => void events.push("wait"),
  });
  assert.deepEqual(events, ["closed", "wait"]);
});

test("what was sent is repeated only where that is safe", async () => {
  const reset = new TypeError("fetch failed", { cause: { code: "ECONNRESET" } });
  const refused = new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } });
  const post = { method: "post" };
  const keyed = { method: "POST", headers: { "Idempotency-Key": "k" } };
  assert.deepEqual((await call([reset], post)).reasons, ["not_idempotent"]);
  assert.deepEqual((await call([reset, [200]], keyed)).reasons, ["retrying"]);
  assert.deepEqual((await call([reset, [200]], { method: "DELETE" })).reasons, ["retrying"]);
  assert.deepEqual((await call([refused, [200]], post)).reasons, ["retrying"]);
  assert.deepEqual((await call([[502, "bad"]], post)).reasons, ["not_idempotent"]);
  assert.deepEqual((await call([[502, "bad"], [200]], keyed)).reasons, ["retrying"]);
});

test("what cannot get better is not repeated", async () => {
  for (const cause of [
    { code: "CERT_HAS_EXPIRED" },
    { code: "DEPTH_ZERO_SELF_SIGNED_CERT" },
    { message: "redirect count exceeded" },
  ]) {
    const failed = await call([new TypeError("fetch failed", { cause })]);
    assert.deepEqual(failed.reasons, ["not_retryable"]);
    assert.ok(failed.failure?.kind === "network" && !failed.failure.timedOut);
  }
  for (const bad of ["/relative", "ftp://host/"]) {
    const result = await callWithRetry(bad);
    assert.ok(!result.ok && !result.failure.retry && result.attempts === 1);
  }
});

test("a body that cannot be replayed is sent once", async () => {
  const stream = new ReadableStream();
  async function* lines(): AsyncGenerator<Uint8Array> {}
  for (const body of [stream, lines()] as NonNullable<RequestInit["body"]>[]) {
    const said = await call([[503, BUSY]], { method: "POST", body });
    assert.deepEqual([said.reasons, said.failure?.kind], [["not_replayable"], "known"]);
  }
  for (const body of ["text", new Uint8Array(3), new URLSearchParams("a=b"), new FormData()]) {
    const said = await call([[503, BUSY], [200]], { method: "POST", body });
    assert.deepEqual(said.reasons, ["retrying"]);
  }
});

test("a Request is sent again with its body", async () => {
  const bodies: string[] = [];
  const request = new Request(URL_, { method: "POST", body: "hello" });
  const result = await callWithRetry(request, {}, {
    sleep: async () => undefined,
    fetch: async (input) => {
      bodies.push(await (input as Request).text());
      return new Response(BUSY, { status: bodies.length < 3 ? 503 : 200 });
    },
  });
  assert.deepEqual([result.ok, bodies], [true, ["hello", "hello", "hello"]]);
});

test("the budget keeps an outage from being multiplied", async () => {
  const budget = new RetryBudget();
  const reasons: string[] = [];
  for (let calls = 0; calls < 30; calls += 1) {
    const answers: Answer[] = [[503, BUSY], [503, BUSY], [503, BUSY]];
    reasons.push(...(await call(answers, {}, { budget })).reasons);
  }
  assert.equal(reasons.filter((reason) => reason === "retrying").length, Math.floor(500 / 14));
  assert.equal(reasons.at(-1), "budget");
  const throttled = new RetryBudget(5);
  const many = envelope("too_many_requests", "rate_limit_error");
  const said = await call([[429, many], [429, many]], {}, { budget: throttled });
  assert.deepEqual(said.reasons, ["retrying", "budget"]);
});

test("calls to one origin share a budget", async () => {
  let sent = 0;
  const options: RetryOptions = {
    sleep: async () => undefined,
    fetch: async () => {
      sent += 1;
      return new Response(BUSY, { status: 503 });
    },
  };
  for (let calls = 0; calls < 50; calls += 1) {
    await callWithRetry(`http://shared.example/${calls}`, {}, options);
  }
  assert.equal(sent, 50 + Math.floor(500 / 14));
});

test("an aborted call stops at once, with what the signal says", async () => {
  const reason = new Error("the user left");
  const inWait = new AbortController();
  const answering = callWithRetry(URL_, { signal: inWait.signal }, {
    fetch: async () => new Response(BUSY, { status: 503 }),
    onAttempt: () => setImmediate(() => inWait.abort(reason)),
  });
  await assert.rejects(answering, reason);
  const inHook = new AbortController();
  const told = callWithRetry(URL_, { signal: inHook.signal }, {
    fetch: async () => new Response(BUSY, { status: 503 }),
    onAttempt: () => inHook.abort(reason),
    sleep: async () => assert.fail("it waits"),
  });
  await assert.rejects(told, reason);
  const inFetch = new AbortController();
  const hanging = callWithRetry(URL_, { signal: inFetch.signal }, {
    fetch: (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason as Error));
        inFetch.abort(reason);
      }),
  });
  await assert.rejects(hanging, reason);
  await assert.rejects(callWithRetry(URL_, { signal: AbortSignal.abort(reason) }), reason);
});

test("the whole call ends at its deadline", async () => {
  const hangs: typeof fetch = (_, init) =>
    new Promise((_resolve, reject) => {
      init?.signal?.addEventListener("abort", () => reject(init.signal?.reason as Error));
    });
  const result = await callWithRetry(URL_, {}, { fetch: hangs, deadlineMs: 20 });
  assert.ok(!result.ok && result.failure.kind === "network" && result.failure.timedOut);
  assert.equal(result.attempts, 1);
  const slow = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) });
  const stuck = await callWithRetry(URL_, { method: "POST" }, {
    deadlineMs: 20,
    fetch: async (_, init) => {
      const response = new Response(slow);
      const read = response.arrayBuffer.bind(response);
      const late = new Promise<never>((_resolve, reject) => {
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason as Error));
      });
      return Object.assign(response, { arrayBuffer: () => Promise.race([read(), late]) });
    },
  });
  assert.ok(!stuck.ok && stuck.failure.kind === "network" && stuck.failure.timedOut);
});

test("a hook that throws harms nothing", async (context) => {
  const said = context.mock.method(console, "error", () => undefined);
  const result = await callWithRetry(URL_, {}, {
    fetch: async () => new Response("no", { status: 404 }),
    onAttempt: () => {
      throw new Error("a bug");
    },
  });
  assert.ok(!result.ok && said.mock.callCount() === 1);
});

test("a failure can be thrown", async () => {
  const failed = await callWithRetry(URL_, {}, { fetch: async () => new Response("", { status: 404 }) });
  assert.throws(() => unwrap(failed), (error) => error instanceof CallError && /answered 404$/.test(error.message));
  const told = new CallError(parseError(BUSY) as Failure);
  assert.equal(told.message, "the service answered 503 service_unavailable: No");
  const silent = new CallError({ kind: "network", retry: true, timedOut: false, cause: null });
  assert.equal(silent.message, "the service did not answer");
  const fine = await callWithRetry(URL_, {}, { fetch: async () => new Response("fine") });
  assert.equal(await unwrap(fine).text(), "fine");
});

test("a stream is handed over unread", async () => {
  const response = new Response("data: 1\n\n");
  const result = await callWithRetry(URL_, {}, { stream: true, fetch: async () => response });
  assert.ok(result.ok && result.response === response && !response.bodyUsed);
});

/** A server whose answers are cut off, or lead back to itself; how often each was asked. */
async function serving(): Promise<{ server: Server; url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.url === "/loop") {
      response.writeHead(302, { Location: "/loop" }).end();
      return;
    }
    response.writeHead(200, { "Content-Length": "10" });
    response.write("cut", () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${port}`, asked };
}

test("on a real connection, what Node says is understood", async () => {
  const { server, url, asked } = await serving();
  const told = async (path: string, method: string, base = url): Promise<string[]> => {
    const reasons: string[] = [];
    await callWithRetry(base + path, { method, body: method === "POST" ? "a" : null }, {
      budget: new RetryBudget(),
      sleep: async () => undefined,
      onAttempt: ({ reason, failure }) => reasons.push(`${failure.kind} ${reason}`),
    });
    return reasons;
  };
  const again = ["network retrying", "network retrying", "network attempts"];
  assert.deepEqual(await told("/cut", "GET"), again);
  assert.deepEqual(await told("/cut", "POST"), ["network not_idempotent"]);
  assert.deepEqual(asked, ["GET /cut", "GET /cut", "GET /cut", "POST /cut"]);
  assert.deepEqual(await told("/loop", "GET"), ["network not_retryable"]);
  const gone = await serving();
  for (const each of [server, gone.server]) {
    each.closeAllConnections();
    await new Promise((resolve) => each.close(resolve));
  }
  assert.deepEqual(await told("/", "POST", gone.url), again); // refused: it was not sent
});
