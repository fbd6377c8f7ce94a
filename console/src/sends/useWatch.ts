import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Send } from "../api/client";
import { sendQuery } from "../api/queries";

export type Link = "opening" | "live" | "broken";

/**
 * useWatch updates a send by the events of the server, so its page needs no reload. The browser reopens a stream that breaks.
 * After a refusal, useWatch opens a new stream after 5 s. A stream that does not open within 15 s is opened anew.
 */
export function useWatch(id: string): Link {
  const client = useQueryClient();
  const [link, setLink] = useState<Link>("opening");
  useEffect(() => {
    const [retryDelay, openTimeout] = [5_000, 15_000]; // ms
    let source: EventSource;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const open = () => {
      source = new EventSource(`/v1/sends/${encodeURIComponent(id)}/watch`);
      timer = setTimeout(() => {
        source.close(); // the browser itself has no time-out
        setLink("broken");
        open();
      }, openTimeout);
      source.addEventListener("open", () => {
        clearTimeout(timer);
        setLink("live");
      });
      source.addEventListener("send", (event) => {
        client.setQueryData(sendQuery(id).queryKey, JSON.parse(event.data) as Send);
      });
      source.addEventListener("error", () => {
        setLink("broken");
        if (source.readyState === EventSource.CLOSED) {
          clearTimeout(timer);
          timer = setTimeout(open, retryDelay);
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
