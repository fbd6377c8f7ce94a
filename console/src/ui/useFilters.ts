import { useSearchParams } from "react-router";

/**
 * useFilters keeps values in the address of the page, so that a link can have them. An absent value is empty. A change begins with
 * the address of the window, which is newer than the parameters of a render that is still to come: two changes in a row both stay.
 */
export function useFilters<Name extends string>(...names: Name[]) {
  const [params, setParams] = useSearchParams();
  const values = Object.fromEntries(names.map((name) => [name, params.get(name) ?? ""])) as Record<Name, string>;
  const set = (changes: Partial<Record<Name, string>>) => {
    const now = new URLSearchParams(window.location.search);
    setParams(withChanges(now, { ...changes, cursor: "" }), { replace: true }); // a new filter begins at page 1
  };
  return { values, set };
}

/** withChanges returns parameters with some values changed. An empty value removes its parameter; the others stay. */
export function withChanges(before: URLSearchParams, changes: Record<string, string | undefined>): URLSearchParams {
  const next = new URLSearchParams(before);
  for (const [name, value] of Object.entries(changes)) {
    if (value) {
      next.set(name, value);
    } else {
      next.delete(name);
    }
  }
  return next;
}

/** useParam keeps one value in the address of the page. */
export function useParam<Name extends string>(name: Name): [string, (value: string) => void] {
  const { values, set } = useFilters(name);
  return [values[name], (value) => set({ [name]: value } as Record<Name, string>)];
}
