// How long ago a time was, or how far ahead it is: "3 min ago", "in 20 s". The text stays true while the page is open.
import type { TFunction } from "i18next";
import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { serverNow } from "../api/client";
import { type Unit, units } from "./time";

/** relative returns the distance of a time from now (both in ms), in its largest unit. Less than 1 s is "now". */
export function relative(at: number, now: number, t: TFunction): string {
  const seconds = Math.floor(Math.abs(now - at) / 1000);
  const unit = (["day", "hour", "minute", "second"] as Unit[]).find((one) => seconds >= units[one]);
  if (!unit) {
    return t("duration.now");
  }
  const time = t(`duration.${unit}`, { count: Math.floor(seconds / units[unit]) });
  return t(at <= now ? "duration.ago" : "duration.in", { time });
}

// One timer serves all times of a page. It runs while a time is shown.
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    for (const notify of listeners) {
      notify();
    }
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** useRelative returns the relative text of a time. Its component renders again only if the text changes. */
export function useRelative(at: string): string {
  const { t } = useTranslation();
  return useSyncExternalStore(subscribe, () => relative(Date.parse(at), serverNow(), t));
}

/** useNow returns the server's time in ms, in steps of so many ms. */
export function useNow(step: number): number {
  return useSyncExternalStore(subscribe, () => Math.floor(serverNow() / step) * step);
}
