import { useSearchParams } from "react-router";

/** useParam keeps a value in the address, so that a filtered list can be linked to. Empty is absent. */
export function useParam(name: string): [string, (value: string) => void] {
  const [params, setParams] = useSearchParams();
  const set = (value: string) =>
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        if (value) {
          next.set(name, value);
        } else {
          next.delete(name);
        }
        return next;
      },
      { replace: true },
    );
  return [params.get(name) ?? "", set];
}
