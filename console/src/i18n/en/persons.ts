// The English words of a person's data. What remains has the words of docs/retention.md.
import { titles } from "./titles";

export const persons = {
  persons: {
    ...titles.persons,
    about: "Find a person by the phone number, export all that is stored, and erase it.",
    number: "Phone number",
    find: "Find",
    stored: "Stored about {{number}}",
    counts: {
      sends: "Sends",
      open_sends: "Of these, not ended",
      inbound: "Messages from the person",
      opt_outs: "Opt-outs",
      opt_out_changes: "History of opt-outs",
      audit_entries: "Audit entries",
    },
    export: "Export as JSON",
    erase: "Erase",
    eraseNumber: "Erase {{number}}",
    eraseNow: "Erase for ever",
    eraseMeans: "What is erased cannot be brought back. Export it first if it is needed.",
    cancels_one: "{{count}} send has not ended: it is cancelled.",
    cancels_other: "{{count}} sends have not ended: they are cancelled.",
    keepOptOut: "Keep the opt-outs",
    keepOptOutMeans: "Without them, a new send to the number is accepted.",
    typeNumber: "Type the number to confirm",
    running: "The erasure runs",
    waits_one: "{{count}} send ends by itself first, because an SMS may be on its way",
    waits_other: "{{count}} sends end by themselves first, because an SMS may be on its way",
    done: "The person is erased",
    cancelled_one: "{{count}} send cancelled",
    cancelled_other: "{{count}} sends cancelled",
    erasures: "Erasures",
    none: "Nobody was erased yet",
    began: "Begun",
    ended: "Done",
    state: "State",
    states: { running: "Running", done: "Done" },
    optOut: "Opt-outs",
    kept: "Kept",
    removed: "Removed",
    cancelledSends: "Cancelled sends",
    remains: {
      title: "What is not removed, and why",
      optOut:
        "Opt-outs stay by default, with the number and nothing else, because a person who said STOP must not be written to by mistake.",
      underWay: "If an SMS may be on its way, its send is not touched until it has ended.",
      statuses: "Statuses and error codes stay, so statistics do not change.",
      orphans:
        "A receipt that names no send of ours is kept for 8 days, as all such receipts are; its message id may contain the number.",
      elsewhere:
        "Backstop cannot reach what is in backups, in the logs of your database, at the providers, and what your receivers of callbacks have stored.",
    },
  },
};
