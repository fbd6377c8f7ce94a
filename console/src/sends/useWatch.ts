import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Send } from "../api/client";
import { sendQuery } from "../api/queries";

export type Link = "opening" | "live" | "broken";

/**
 * useWatch keeps a send as it is by the server's events, so that its page needs no reload. A stream that breaks is
 * opened again by the browser; one that is refused is asked for again after a while.
 */
export function useWatch(id: string): Link {
  const client = useQueryClient();
  const [link, setLink] = useState<Link>("opening");
  useEffect(() => {
    const again = 5_000; // ms
    let source: EventSource;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const open = () => {
      source = new EventSource(`/v1/sends/${encodeURIComponent(id)}/watch`);
      source.addEventListener("open", () => setLink("live"));
      source.addEventListener("send", (event) => {
        client.setQueryData(sendQuery(id).queryKey, JSON.parse(event.data) as Send);
      });
      source.addEventListener("error", () => {
        setLink("broken");
        if (source.readyState === EventSource.CLOSED) {
          timer = setTimeout(open, again);
        }
      });
    };
    open();
    return () => {
      source.close();
      clearTimeout(timer);
    };
  }, [client, id]);
  return link;
}
