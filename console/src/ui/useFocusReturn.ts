import { type RefObject, useEffect, useRef } from "react";

/**
 * useFocusReturn moves the focus, when its dialog has closed, to the element that opened it. If that element is gone, or a caller
 * has set it to null, the focus moves to the content of the page.
 */
export function useFocusReturn(given?: Element | null): RefObject<Element | null> {
  const opener = useRef(given ?? document.activeElement); // before the dialog takes the focus
  useEffect(
    () => () => {
      // The dialog holds the focus until it is gone.
      setTimeout(() => {
        const target = opener.current?.isConnected ? opener.current : document.getElementById("main");
        (target as HTMLElement | null)?.focus({ preventScroll: true });
      });
    },
    [],
  );
  return opener;
}
