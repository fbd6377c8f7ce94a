// A sign-out ends the session of all tabs: each of them drops what it has.
const channel = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("backstop.sign-out");

/** announceSignOut reports a sign-out to the other tabs. */
export function announceSignOut(): void {
  channel?.postMessage("");
}

/** onSignOut calls a function after a sign-out in another tab, until the returned function is called. */
export function onSignOut(listener: () => void): () => void {
  channel?.addEventListener("message", listener);
  return () => channel?.removeEventListener("message", listener);
}
