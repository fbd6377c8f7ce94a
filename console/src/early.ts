// The script in index.html (vite.config.ts puts it there). It runs before the app is loaded: it sets the theme of the skeleton,
// and begins the requests that the first page needs.
import { boundsOf } from "./overview/range";
import { storedAppearance, storedLanguage } from "./stored";

/** EarlyAnswer is the answer to a request that was made before the app was loaded. The app takes it once (api/early.ts). */
export interface EarlyAnswer {
  url: string;
  answer: Promise<Response>;
}

declare global {
  interface Window {
    backstopEarly?: EarlyAnswer[];
  }
}

const timeout = 20_000; // ms

const root = document.documentElement;
const appearance = storedAppearance();
const dark = appearance === "system" ? matchMedia("(prefers-color-scheme: dark)").matches : appearance === "dark";
root.dataset.theme = dark ? "dark" : "light";
root.lang = storedLanguage();

const early: EarlyAnswer[] = [];
window.backstopEarly = early;

function request(url: string, after?: Promise<Response>): Promise<Response> {
  const answer = (after ?? Promise.resolve()).then(async (first) =>
    first && !first.ok ? first.clone() : readWhole(await fetch(url, { signal: AbortSignal.timeout(timeout) })),
  );
  answer.catch(() => {}); // the page shows the error, if it takes the answer
  early.push({ url, answer });
  return answer;
}

/** readWhole reads the body now, while the app is loaded. It drops the Date, which the app would compare with a later time. */
async function readWhole(answer: Response): Promise<Response> {
  const headers = new Headers(answer.headers);
  headers.delete("Date");
  return new Response(await answer.arrayBuffer(), { status: answer.status, headers });
}

const session = request("/console/session");
if (/^\/console\/?$/.test(location.pathname) && location.search === "") {
  request(`/v1/stats?${new URLSearchParams({ ...boundsOf("day", Date.now()) })}`, session);
}
