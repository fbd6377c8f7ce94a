// The client of the API: its types come from the contract, and the cookie of the session authenticates it.
import createClient, { type Middleware } from "openapi-fetch";
import { takeEarly } from "./early";
import { reentry } from "./reentry";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];
export type Rule = Schemas["Rule"];
export type RuleInput = Schemas["RuleInput"];
export type RuleType = Schemas["RuleType"];
export type Policy = Schemas["Policy"];
export type PolicyInput = Schemas["PolicyInput"];
export type Account = Schemas["Account"];
export type Provider = Schemas["Provider"];
export type Channel = Schemas["Channel"];
export type Send = Schemas["Send"];
export type SendSummary = Schemas["SendSummary"];
export type SendInput = Schemas["SendInput"];
export type SendPreview = Schemas["SendPreview"];
export type Outcome = Schemas["Outcome"];
export type Status = Schemas["Status"];
export type Stats = Schemas["Stats"];
export type StatsCounts = Schemas["StatsCounts"];
export type Session = Schemas["Session"];
export type Scenario = Schemas["Scenario"];

/** ProblemError is an error answer of the API. Its problem is undefined if the API did not answer. */
export class ProblemError extends Error {
  readonly problem: Problem | undefined;

  constructor(problem: Problem | undefined, cause?: unknown) {
    super(problem?.detail ?? "the server cannot be reached", { cause });
    this.problem = problem;
  }

  is(code: Problem["code"]): boolean {
    return this.problem?.code === code;
  }

  /** hasTimedOut reports whether the server did not answer in time. */
  get hasTimedOut(): boolean {
    return this.cause instanceof DOMException && this.cause.name === "TimeoutError";
  }

  /** isOutage reports whether the same request may succeed later: without an answer, or after an error of the server. */
  get isOutage(): boolean {
    return !this.problem || this.problem.status >= 500;
  }
}

// The server's clock minus the browser's, in milliseconds, from the newest answer. Deadlines are by the server's clock.
let clockOffset = 0;

export function serverNow(): number {
  return Date.now() + clockOffset;
}

const clock: Middleware = {
  onResponse({ response }) {
    const date = Date.parse(response.headers.get("Date") ?? "");
    // The header has whole seconds, rounded down. A difference below 1.5 s counts as none.
    if (Number.isFinite(date) && Math.abs(date + 500 - Date.now()) > 1500) {
      clockOffset = date + 500 - Date.now();
    }
  },
};

const timeout = 15_000; // ms, of a request with its answer
// Statistics wait up to 5 s for their turn (api/stats_cache.go), and their queries take up to 10 s (internal/postgres/stats.go).
const statsTimeout = 20_000;
const statsPath = "/v1/stats";
// A test of an account ends with its call to the provider, which takes up to 20 s.
const testTimeout = 25_000;
const testPath = /^\/v1\/accounts\/[^/]+\/test$/;
// A file of opt-outs has up to 8 MiB.
const importTimeout = 40_000;
const importPath = "/v1/opt-outs.csv";
// The export of a person is streamed, and may have a hundred thousand sends.
const exportTimeout = 600_000;
const exportPath = "/v1/exports";
const sessionPath = "/console/session";

/** fetchInTime sends a request. If the session has ended, it sends it once more after the next sign-in. */
async function fetchInTime(request: Request): Promise<Response> {
  const again = request.clone(); // the first fetch consumes the body
  const answer = await (takeEarly(request) ?? fetchOnce(request));
  const isSession = new URL(request.url).pathname === sessionPath;
  return answer.status === 401 && !isSession && (await reentry.wait(request.signal)) ? fetchOnce(again) : answer;
}

function timeoutOf(path: string): number {
  if (path.startsWith(statsPath)) {
    return statsTimeout;
  }
  if (path === importPath) {
    return importTimeout;
  }
  if (path === exportPath) {
    return exportTimeout;
  }
  return testPath.test(path) ? testTimeout : timeout;
}

function fetchOnce(request: Request): Promise<Response> {
  const limit = AbortSignal.timeout(timeoutOf(new URL(request.url).pathname));
  return fetch(request, { signal: AbortSignal.any([request.signal, limit]) });
}

export const api = createClient<paths>({ credentials: "same-origin", fetch: fetchInTime });
api.use(clock);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** answered returns the data of a call, or throws a ProblemError. */
export async function answered<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") {
      throw cause;
    }
    throw new ProblemError(undefined, cause);
  }
  if (answer.response.ok) {
    return answer.data as T; // undefined for 204
  }
  throw new ProblemError(isProblem(answer.error) ? answer.error : undefined, answer.error);
}

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "code" in value && "detail" in value;
}

/** ifMatch returns the header with the entity tag of a version. */
export function ifMatch(version: number): { "If-Match": string } {
  return { "If-Match": `"${version}"` };
}
