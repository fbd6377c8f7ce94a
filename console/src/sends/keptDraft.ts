// The draft of a new send survives a reload and a new sign-in. It has personal data: the browser keeps it for one tab only, and
// removes it when the user signs out in any tab, or the send is accepted.
import dayjs from "dayjs";
import type { Draft } from "./draft";
import { draftKey } from "./forgetDraft";

export interface Kept {
  draft: Partial<Draft>;
  request?: { body: string; key: string }; // the newest request and its idempotency key
}

export function keep(kept: Kept): void {
  try {
    sessionStorage.setItem(draftKey, JSON.stringify(kept));
  } catch {
    // the draft lasts until the page closes
  }
}

/** kept returns the draft of an earlier visit; undefined if there is none. */
export function kept(): Kept | undefined {
  try {
    const found = JSON.parse(sessionStorage.getItem(draftKey) ?? "null") as Kept | null;
    if (!found?.draft) {
      return undefined;
    }
    const { send_at: sendAt, expires_at: expires, ...draft } = found.draft;
    return {
      ...found,
      draft: {
        ...draft,
        ...(sendAt && { send_at: dayjs(sendAt) }),
        ...(expires && { expires_at: dayjs(expires) }),
      },
    };
  } catch {
    return undefined;
  }
}
