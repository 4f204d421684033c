
/** A code that the catalogue has. */
export type Code = keyof typeof CATALOG;

/** What is said of every error of the service. */
interface Said {
  /** What went wrong, for a person. */
  readonly message: string;
  /** The parameter to blame, or null. */
  readonly param: string | null;
  /** The id that support can find. */
  readonly requestId: string;
  /** Whether the request may be sent again: what X-Should-Retry says, else the catalogue. */
  readonly retry: boolean;
  /** The whole seconds that the service asks to wait, or null. */
  readonly retryAfter: number | null;
}

/** An error of the service with the code `C`. */
export interface KnownErrorOf<C extends Code> extends Said {
  readonly kind: "known";
  readonly code: C;
  readonly status: (typeof CATALOG)[C]["statuses"][number];
  readonly type: (typeof CATALOG)[C]["types"][number];
}

/** An error of the service with a code of the catalogue; `code` tells which. */
export type KnownError = { [C in Code]: KnownErrorOf<C> }[Code];

/** An error of the service with a code that is newer than this file. Treat it like its `type`. */
export interface UnknownError extends Said {
  readonly kind: "unknown";
  readonly code: string;
  readonly status: number;
  readonly type: ErrorType;
}

/** An error of the service. */
export type ServiceError = KnownError | UnknownError;

/** An error answer that is not the service's, such as a proxy's. */
export interface ForeignError {
  readonly kind: "foreign";
  readonly status: number;
  readonly requestId: string | null;
  readonly retry: boolean;
  readonly retryAfter: number | null;
  /** The start of the body, at most 64 KiB. */
  readonly body: string;
}

/** There was no answer, or not the whole of one. */
export interface NetworkError {
  readonly kind: "network";
  readonly retry: boolean;
  /** Whether the call took longer than it may. */
  readonly timedOut: boolean;
  /** What `fetch` threw. */
  readonly cause: unknown;
}

/** Every way in which a call fails; `kind` tells which. */
export type Failure = ServiceError | ForeignError | NetworkError;

/** The JSON body of an error answer. */
export interface Envelope {
  readonly error: {
    readonly type: ErrorType;
    readonly code: string;
    readonly message: string;
    readonly param: string | null;
    readonly request_id: string;
  };
}

/** Headers as `fetch`, Node or a test has them. */
export type HeadersLike =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

const CODE = /^[a-z][a-z0-9_]{0,63}$/;
const REQUEST_ID = /^[A-Za-z0-9._:/+=-]{1,128}$/;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Make the compiler refuse a `switch` that forgot a case: call it in `default`. */
export function assertNever(value: never): never {
  throw new TypeError(`not handled: ${JSON.stringify(value)}`);
}

/** Call the handler of an error's code; a handler for each code has to be there. */
export function matchError<R, F extends Failure>(
  failure: F,
  handlers: { readonly [C in Code]: (error: KnownErrorOf<C>) => R },
  otherwise: (failure: Exclude<F, { kind: "known" }>) => R,
): R {
  if (failure.kind !== "known") {
    return otherwise(failure as Exclude<F, { kind: "known" }>);
  }
  const handle = handlers[failure.code] as (error: KnownError) => R;
  return handle(failure as KnownError);
}

/** Whether a failure is an error of the service with one of these codes. */
export function hasCode<C extends Code>(
  failure: Failure,
  ...codes: readonly C[]
): failure is KnownErrorOf<C> & KnownError {
  return failure.kind === "known" && (codes as readonly string[]).includes(failure.code);
}

/** Whether a text is a code of the catalogue. */
export function isCode(value: unknown): value is Code {
  return typeof value === "string" && Object.prototype.hasOwnProperty.call(CATALOG, value);
}

/** Whether a value is the JSON body of an error answer. */
export function isEnvelope(value: unknown): value is Envelope {
  const error = members(members(value)["error"]);
  const { type, code, message, param, request_id: requestId } = error;
  return (
    typeof type === "string" &&
    (TYPES as readonly string[]).includes(type) &&
    typeof code === "string" &&
    CODE.test(code) &&
    typeof message === "string" &&
    message.trim() !== "" &&
    isWithin(message, 1024) &&
    (param === null ||
      (typeof param === "string" && param !== "" && isWithin(param, 256) && !CONTROL.test(param))) &&
    typeof requestId === "string" &&
    REQUEST_ID.test(requestId)
  );
}

/**
 * Return the error of the service that an answer is, or null for any other answer.
 *
 * @param body The body: its text, or the JSON that it is.
 * @param answer Its status and headers. Leave the status out for an error event of a stream.
 */
export function parseError(
  body: unknown,
  answer: { readonly status?: number; readonly headers?: HeadersLike } = {},
): ServiceError | null {
  const value = typeof body === "string" ? parseJson(body) : body;
  if (!isEnvelope(value)) {
    return null;
  }
  const { type, code, message, param, request_id: requestId } = value.error;
  const entry: CatalogEntry | null = isCode(code) ? CATALOG[code] : null;
  const status = answer.status ?? entry?.statuses[0] ?? ROWS[type];
  if (typeOf(status) !== type) {
    return null;
  }
  const headers = answer.headers ?? {};
  const isKnown = entry !== null && entry.statuses.includes(status) && entry.types.includes(type);
  const retry = shouldRetry(headers) ?? (isKnown ? entry.retry : RETRIED.includes(status));
  const retryAfter = retryAfterOf(headers);
  const said = { code, status, type, message, param, requestId, retry, retryAfter };
  return (isKnown ? { kind: "known", ...said } : { kind: "unknown", ...said }) as ServiceError;
}

/**
 * Return the whole seconds that an answer asks to wait, 1 to 86,400, or null.
 *
 * Milliseconds count before `Retry-After`, as seconds or as a date, and this before `RateLimit`.
 */
export function retryAfterOf(headers: HeadersLike, now: number = Date.now()): number | null {
  for (const name of ["retry-after-ms", "x-ms-retry-after-ms", "x-amz-retry-after"]) {
    const wait = decimal(headerOf(headers, name), 1000);
    if (wait !== null) {
      return wait;
    }
  }
  const said = headerOf(headers, "retry-after");
  const moment = timestamp(said, now);
  const answered = timestamp(headerOf(headers, "date"), now) ?? now;
  return (
    decimal(said, 1) ??
    (moment === null ? null : whole((moment - answered) / 1000)) ??
    rateLimit(headerOf(headers, "ratelimit"))
  );
}

/** A bucket of tokens, which all calls to one service share: an outage is not multiplied. */
export class RetryBudget {
  private readonly capacity: number;
  private left: number;

  constructor(capacity: number = 500) {
    this.capacity = capacity;
    this.left = capacity;
  }

  /** The tokens that are left. */
  get tokens(): number {
    return this.left;
  }

  /** Take the tokens for a retry; return false, and take none, if there are too few. */
  spend(throttled: boolean): boolean {
    const cost = throttled ? 5 : 14;
    if (this.left < cost) {
      return false;
    }
    this.left -= cost;
    return true;
  }

  /** Give back the token of a success. */
  refund(): void {
    this.left = Math.min(this.capacity, this.left + 1);
  }
}

/** Why a call is retried, or not. */
export type Reason =
  | "retrying"
  | "not_retryable"
  | "not_idempotent"
  | "not_replayable"
  | "attempts"
  | "wait_too_long"
  | "deadline"
  | "budget";

/** A failed attempt. */
export interface RetryEvent {
  readonly attempt: number;
  readonly failure: Failure;
  readonly reason: Reason;
  /** Milliseconds until the next attempt, 0 if there is none. */
  readonly waitMs: number;
}

/** How a call is retried; the defaults are the contract's. */
export interface RetryOptions {
  /** Attempts in total; 3. */
  readonly attempts?: number;
  /** Milliseconds for the whole call with its waits and its body, unless it streams; 30,000. */
  readonly deadlineMs?: number;
  /** The longest wait that the service may ask for, in milliseconds; 60,000. */
  readonly maxWaitMs?: number;
  /** Milliseconds before the first retry, doubled for each further one; 1,000. */
  readonly waitInitialMs?: number;
  /** The most milliseconds that are added at random; 1,000. */
  readonly waitJitterMs?: number;
  /** Whether the body of the answer is read as a stream, by you: then there is no deadline. */
  readonly stream?: boolean;
  /** The retry budget; by default the one of all calls to this origin. */
  readonly budget?: RetryBudget;
  /** Called for each failed attempt. */
  readonly onAttempt?: (event: RetryEvent) => void;
  /** The `fetch` that sends; the global one. */
  readonly fetch?: typeof fetch;
  /** Milliseconds of a clock that never goes back, for tests. */
  readonly now?: () => number;
  /** Waits for some milliseconds, for tests. It rejects when the signal aborts. */
  readonly sleep?: (ms: number, signal: AbortSignal | null) => Promise<void>;
  /** A number from 0 to 1, for tests. */
  readonly random?: () => number;
}

/** The outcome of a call. */
export type Result =
  | { readonly ok: true; readonly response: Response; readonly attempts: number }
  | { readonly ok: false; readonly failure: Failure; readonly attempts: number };

/** The failure of a call, thrown by `unwrap`. */
export class CallError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(
      failure.kind === "network"
        ? "the service did not answer"
        : `the service answered ${failure.status}` +
            (failure.kind === "foreign" ? "" : ` ${failure.code}: ${failure.message}`),
    );
    this.name = "CallError";
    this.failure = failure;
  }
}

/** Return the response of a call that succeeded; throw a `CallError` for one that failed. */
export function unwrap(result: Result): Response {
  if (!result.ok) {
    throw new CallError(result.failure);
  }
  return result.response;
}

type Input = Parameters<typeof fetch>[0];
type Init = NonNullable<Parameters<typeof fetch>[1]>;

const BODY_LIMIT = 64 * 1024;
const IDEMPOTENT = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"];
// These say that the request was not processed; 429, 500 and 503 are repeated for any method.
const ANY_METHOD = [408, 421, 425, 429, 500, 503, 529];
const NO_BODY = [204, 205, 304];
// Node's reasons why nothing was sent, and why sending it again is of no use.
const NOT_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;
const HOPELESS = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|INVALID|redirect count exceeded/;

const budgets = new Map<string, RetryBudget>();

/**
 * Call the service with `fetch`, with the retries of the contract's section 11.
 *
 * It never throws for a failure of the service or of the network. It throws what the signal of
 * `init` says as soon as that is aborted. The body of a success is read before it returns, unless
 * `options.stream` is set.
 *
 * @param input What `fetch` takes.
 * @param init What `fetch` takes. Of a body that is a stream there is one attempt.
 * @param options How it is retried.
 */
export async function callWithRetry(
  input: Input,
  init: Init = {},
  options: RetryOptions = {},
): Promise<Result> {
  const { attempts = 3, deadlineMs = 30_000, stream = false, onAttempt } = options;
  const { now = () => performance.now(), sleep = wait } = options;
  const request = input instanceof Request ? input : null;
  const signal = init.signal ?? request?.signal ?? null;
  const call: Call = {
    input,
    init,
    url: urlOf(request === null ? String(input) : request.url),
    signal,
    stream,
    send: options.fetch ?? fetch,
    repeatable: isRepeatable(request, init),
    replayable: isReplayable(init.body),
  };
  const budget = options.budget ?? budgetOf(call.url?.origin ?? "");
  const deadline = stream ? Infinity : now() + deadlineMs;
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    const outcome = await once(call, deadline - now());
    if ("response" in outcome) {
      budget.refund();
      return { ok: true, response: outcome.response, attempts: attempt };
    }
    signal?.throwIfAborted();
    const { failure } = outcome;
    let waitMs = waitOf(failure, attempt, options);
    const left = deadline - now();
    let reason = reasonOf(call, outcome, { attempt, attempts, waitMs, left, options });
    if (reason === "retrying" && !budget.spend("status" in failure && failure.status === 429)) {
      reason = "budget";
    }
    waitMs = reason === "retrying" ? waitMs : 0;
    tell(onAttempt, { attempt, failure, reason, waitMs });
    if (reason !== "retrying") {
      return { ok: false, failure, attempts: attempt };
    }
    signal?.throwIfAborted(); // the hook may have aborted it
    await sleep(waitMs, signal);
  }
}

interface Call {
  readonly input: Input;
  readonly init: Init;
  readonly url: URL | null;
  readonly signal: AbortSignal | null;
  readonly stream: boolean;
  readonly send: typeof fetch;
  readonly repeatable: boolean;
  readonly replayable: boolean;
}

type Outcome = { readonly response: Response } | Failed;

interface Failed {
  readonly failure: Failure;
  /** Whether the service may have acted on the request. */
  readonly processed: boolean;
}

interface Moment {
  readonly attempt: number;
  readonly attempts: number;
  readonly waitMs: number;
  readonly left: number;
  readonly options: RetryOptions;
}

function reasonOf(call: Call, failed: Failed, moment: Moment): Reason {
  const { failure, processed } = failed;
  const { maxWaitMs = 60_000 } = moment.options;
  if (!failure.retry) {
    return "not_retryable";
  }
  if (processed && !call.repeatable) {
    return "not_idempotent";
  }
  if (!call.replayable) {
    return "not_replayable";
  }
  if (moment.attempt >= moment.attempts) {
    return "attempts";
  }
  if (askedOf(failure) > maxWaitMs) {
    return "wait_too_long";
  }
  return moment.waitMs < moment.left ? "retrying" : "deadline";
}

function waitOf(failure: Failure, attempt: number, options: RetryOptions): number {
  const { waitInitialMs = 1000, waitJitterMs = 1000, random = Math.random } = options;
  return Math.max(
    askedOf(failure),
    waitInitialMs * 2 ** (attempt - 1) + random() * waitJitterMs,
  );
}

function askedOf(failure: Failure): number {
  return failure.kind === "network" ? 0 : (failure.retryAfter ?? 0) * 1000;
}

function tell(hook: RetryOptions["onAttempt"], event: RetryEvent): void {
  try {
    hook?.(event);
  } catch (error) {
    console.error("onAttempt failed", error);
  }
}

/** Make one attempt, which may take so many milliseconds. */
async function once(call: Call, left: number): Promise<Outcome> {
  const { input, init, signal, stream } = call;
  const controller = new AbortController();
  const abort = (): void => controller.abort(signal?.reason);
  let timedOut = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  if (!stream) {
    signal?.addEventListener("abort", abort, { once: true });
    timer = setTimeout(
      () => {
        timedOut = true;
        controller.abort();
      },
      Math.max(left, 1),
    );
  }
  try {
    const response = await call.send(input instanceof Request ? input.clone() : input, {
      ...init,
      signal: stream ? signal : controller.signal,
    });
    if (response.status >= 400) {
      return failedAnswer(response, await startOf(response));
    }
    return { response: stream ? response : await buffered(response) };
  } catch (cause) {
    const why = reasonsOf(cause);
    const retry = call.url !== null && !HOPELESS.test(why.join(" "));
    const processed = timedOut || !why.some((each) => NOT_SENT.test(each));
    return { failure: { kind: "network", retry, timedOut, cause }, processed };
  } finally {
    clearTimeout(timer);
    if (!stream) {
      signal?.removeEventListener("abort", abort);
    }
  }
}

function failedAnswer(response: Response, body: string): Failed {
  const { status, headers } = response;
  const processed = !ANY_METHOD.includes(status);
  const failure = parseError(body, { status, headers });
  if (failure !== null) {
    return { failure, processed };
  }
  const unavailable = status < 500 ? UNAVAILABLE_4XX.includes(status) : !BROKEN_5XX.includes(status);
  const foreign: ForeignError = {
    kind: "foreign",
    status,
    requestId: headers.get(REQUEST_ID_HEADER),
    retry: shouldRetry(headers) ?? (status === 429 || (unavailable && status < 600)),
    retryAfter: retryAfterOf(headers),
    body,
  };
  return { failure: foreign, processed };
}

/** Read the start of an error's body, and close the answer. */
async function startOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (let size = 0; reader !== undefined && size < BODY_LIMIT; ) {
      const { done, value } = await reader.read();
      if (done) {
        break;
      }
      text += decoder.decode(value.subarray(0, BODY_LIMIT - size), { stream: true });
      size += value.length;
    }
  } catch {
    // The body is broken or late: the status still counts.
  }
  await reader?.cancel().catch(() => undefined);
  return text;
}

/** Return the response with its whole body in memory. */
async function buffered(response: Response): Promise<Response> {
  if (response.status < 200) {
    return response; // an opaque one
  }
  const body = await response.arrayBuffer();
  const { status, statusText, headers, url, redirected } = response;
  const whole = new Response(NO_BODY.includes(status) ? null : body, {
    status,
    statusText,
    headers,
  });
  return Object.defineProperties(whole, { url: { value: url }, redirected: { value: redirected } });
}

function isRepeatable(request: Request | null, init: Init): boolean {
  const method = (init.method ?? request?.method ?? "GET").toUpperCase();
  const headers = new Headers(init.headers ?? request?.headers);
  return IDEMPOTENT.includes(method) || Boolean(headers.get("idempotency-key"));
}

function isReplayable(body: unknown): boolean {
  return (
    typeof body !== "object" ||
    body === null ||
    !("getReader" in body || Symbol.asyncIterator in body)
  );
}

function urlOf(text: string): URL | null {
  const page = (globalThis as { location?: { href?: string } }).location?.href;
  try {
    const url = new URL(text, page);
    return /^https?:$/.test(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

function budgetOf(origin: string): RetryBudget {
  const budget = budgets.get(origin) ?? new RetryBudget();
  budgets.set(origin, budget);
  return budget;
}

/** Return the codes and texts with which Node says why there is no answer. */
function reasonsOf(error: unknown): string[] {
  const { code, message, cause } = members(error);
  const said = [code, message].filter((each): each is string => typeof each === "string");
  return cause === undefined || cause === error ? said : [...said, ...reasonsOf(cause)];
}

function wait(ms: number, signal: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Return the type of a status that the contract answers with, or null. */
function typeOf(status: number): ErrorType | null {
  if (status >= 400 && status < 500) {
    return TYPES_4XX[status] ?? "invalid_request_error";
  }
  return status === 500 || status === 503 ? "server_error" : null;
}

function shouldRetry(headers: HeadersLike): boolean | null {
  const words = (headerOf(headers, "x-should-retry") ?? "").toLowerCase().split(",");
  if (words.every((word) => word.trim() === "true")) {
    return true;
  }
  return words.every((word) => word.trim() === "false") ? false : null;
}

function headerOf(headers: HeadersLike, name: string): string | null {
  if (typeof headers.get === "function") {
    return headers.get(name);
  }
  const found = Object.entries(headers).filter(([each]) => each.toLowerCase() === name);
  const values = found.flatMap(([, value]) => value as string | readonly string[] | undefined ?? []);
  return values.length === 0 ? null : values.join(", ");
}

function decimal(text: string | null, perSecond: number): number | null {
  const said = text?.trim() ?? "";
  return /^[0-9]{1,9}(\.[0-9]{1,20})?$/.test(said) ? whole(Number(said) / perSecond) : null;
}

function whole(seconds: number): number | null {
  return seconds > 0 ? Math.min(Math.ceil(seconds), 86_400) : null;
}

/** Read `"policy";r=0;t=30`: of several policies, a spent one comes first. */
function rateLimit(text: string | null): number | null {
  const policies = (text ?? "").replace(/"(?:[^"\\]|\\.)*(?:"|\\?$)/g, "").split(",");
  const spent = policies.filter((policy) => /;\s*r=0+\s*(?=;|$)/.test(policy));
  for (const policy of [...spent, ...policies]) {
    const match = /;\s*t=([0-9]{1,9})\s*(?=;|$)/.exec(policy);
    if (match !== null) {
      return whole(Number(match[1]));
    }
  }
  return null;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH = `(?<month>${MONTHS.join("|")})`;
const TIME = "(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)";
// The three forms of RFC 9110, section 5.6.7.
const DATES = [
  `(?:mon|tue|wed|thu|fri|sat|sun), (?<day>\\d\\d?) ${MONTH} (?<year>\\d{4}) ${TIME} GMT`,
  `(?:mon|tues|wednes|thurs|fri|satur|sun)day, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT`,
  `(?:mon|tue|wed|thu|fri|sat|sun) ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})`,
].map((form) => new RegExp(`^${form}$`, "i"));

/** Return the milliseconds since 1970 of an HTTP date, or null. */
function timestamp(text: string | null, now: number): number | null {
  const said = text?.trim() ?? "";
  const found = DATES.map((form) => form.exec(said)?.groups).find((groups) => groups !== undefined);
  if (found === undefined) {
    return null;
  }
  const { month = "", day, hour, minute, second } = found;
  let year = Number(found["year"]);
  if (found["year"]?.length === 2) {
    const thisYear = new Date(now).getUTCFullYear();
    year += thisYear - (thisYear % 100);
    year -= year > thisYear + 50 ? 100 : 0;
  }
  const parts = [MONTHS.indexOf(month.toLowerCase()), ...[day, hour, minute].map(Number)] as const;
  const [index, date = 0, hours = 0, minutes = 0] = parts;
  const seconds = Math.min(Number(second), 59); // 60 is a leap second
  const moment = new Date(Date.UTC(year, index, date, hours, minutes, seconds));
  moment.setUTCFullYear(year, index, date); // Date.UTC takes a year below 100 for 19xx
  const isReal = moment.getUTCDate() === date && hours < 24 && minutes < 60 && Number(second) < 61;
  return isReal ? moment.getTime() : null;
}

function isWithin(text: string, characters: number): boolean {
  return text.length <= characters || [...text.slice(0, 2 * characters + 1)].length <= characters;
}

function members(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
