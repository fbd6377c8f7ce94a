import { useEffect, useState } from "react";

/** useMedia returns whether a media query matches, now and after each change. */
export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => window.matchMedia(query).matches);
  useEffect(() => {
    const media = window.matchMedia(query);
    const update = () => setMatches(media.matches);
    update();
    media.addEventListener("change", update);
    return () => media.removeEventListener("change", update);
  }, [query]);
  return matches;
}

/** useNarrow returns whether the window is below 640 px: lists are cards there, and their filters behind one button. */
export function useNarrow(): boolean {
  return useMedia("(max-width: 639px)");
}
