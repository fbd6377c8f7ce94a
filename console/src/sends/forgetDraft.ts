// Removes the draft of a new send. It is apart from keptDraft.ts because each page has it.
export const draftKey = "backstop.draft";

export function forgetDraft(): void {
  try {
    sessionStorage.removeItem(draftKey);
  } catch {
    // nothing was kept
  }
}
