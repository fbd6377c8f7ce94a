import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { searchQuery } from "../api/queries";

const pause = 150; // ms without a key, before the search starts

/**
 * useFind searches for a text once no key has been pressed for a moment. A newer text cancels
 * the request of an older one, so each answer is shown for its own text.
 */
export function useFind(text: string) {
  const wanted = text.trim();
  const [asked, setAsked] = useState("");
  useEffect(() => {
    if (wanted === asked) {
      return;
    }
    const timer = setTimeout(() => setAsked(wanted), wanted === "" ? 0 : pause);
    return () => clearTimeout(timer);
  }, [wanted, asked]);
  const search = useQuery({ ...searchQuery(asked), enabled: asked !== "" });
  const isCurrent = asked === wanted;
  return {
    wanted,
    found: isCurrent ? search.data : undefined,
    failure: isCurrent ? search.failureReason : null, // of the newest request; an outage is tried again
    askNow: () => setAsked(wanted),
  };
}
