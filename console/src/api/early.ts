// The answers to the requests that src/early.ts made before the app was loaded.

const slack = 60_000; // ms by which the bounds of a range may differ: the app was loaded meanwhile

/** takeEarly returns the early answer to a request, or undefined if there is none. Each answer is taken once. */
export function takeEarly(request: Request): Promise<Response> | undefined {
  const early = globalThis.window?.backstopEarly ?? [];
  const found = request.method === "GET" ? early.findIndex(({ url }) => isSame(url, request.url)) : -1;
  return early.splice(found, found < 0 ? 0 : 1)[0]?.answer;
}

/** isSame reports whether two addresses ask the same. The times in them may differ by the slack. */
export function isSame(early: string, asked: string): boolean {
  const [a, b] = [new URL(early, asked), new URL(asked)];
  const [mine, theirs] = [[...a.searchParams], [...b.searchParams]];
  const isEqual = ([name, value]: [string, string], other: string | null) =>
    value === other || (isTime(name) && Math.abs(Date.parse(value) - Date.parse(other ?? "")) <= slack);
  return (
    a.pathname === b.pathname &&
    mine.length === theirs.length &&
    mine.every((pair) => isEqual(pair, b.searchParams.get(pair[0])))
  );
}

function isTime(name: string): boolean {
  return name === "from" || name === "until";
}
