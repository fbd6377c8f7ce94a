import { useEffect } from "react";

/** useSearchKeys calls open on "/" outside of a field, and on Ctrl-K or Cmd-K anywhere; not while a dialog is open. */
export function useSearchKeys(open: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isSlash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target);
      const isK =
        event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
      if ((isSlash || isK) && !event.isComposing && !document.querySelector('[role="dialog"][aria-modal="true"]')) {
        event.preventDefault(); // else the browser's own search opens, or the slash is typed
        open();
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [open]);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}
