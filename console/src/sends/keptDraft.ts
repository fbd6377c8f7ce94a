// The draft of a new send, which survives a reload and a new sign-in. It has personal data: it is kept for this tab only, and
// removed when the user signs out, or the send is accepted.
const key = "backstop.draft";

export function keepDraft(draft: object): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(draft));
  } catch {
    // the draft lasts until the page closes
  }
}

export function keptDraft(): Record<string, unknown> | undefined {
  try {
    const draft = JSON.parse(sessionStorage.getItem(key) ?? "null");
    return typeof draft === "object" && draft !== null ? draft : undefined;
  } catch {
    return undefined;
  }
}

export function clearDraft(): void {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // nothing was kept
  }
}
