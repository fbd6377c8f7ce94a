import i18next from "i18next";
import { beforeAll, expect, test } from "vitest";
import type { Schemas, Send } from "../api/client";
import { setLanguage } from "../i18n";
import { providerName, type Reader } from "./explanation";
import { at, FakeSend, plannedRule } from "./fakeSend";
import { verdictOf } from "./verdict";
import { slot } from "./verdictLine";
import { summaryOf } from "./verdictSummary";

beforeAll(async () => {
  await setLanguage("zh-CN"); // loads it
  await setLanguage("en");
});

type Failure = Schemas["AttemptFailure"];

const codes: Schemas["ErrorCode"][] = [
  {
    provider: "twilio",
    code: "30003",
    explained: {
      en: { cause: "The handset is unreachable.", action: "Wait." },
      "zh-CN": { cause: "手机无法接通。", action: "请等待。" },
    },
  },
];
const undeliverable: Failure = {
  kind: "rejected",
  class: "recipient",
  code: "131026",
  reason: "Message undeliverable",
};
const unreachable: Failure = { kind: "rejected", class: "recipient", code: "30003", reason: "Unreachable handset" };
const throttled: Failure = { kind: "throttled", code: "130429", reason: "Rate limit hit" };

function readerOf(t: Reader["t"], language: string): Reader {
  return { t, language, codes, providers: [], hasSeveralAccounts: false };
}

/** read returns the verdict as a reader sees it, with the seconds after acceptance for each time. */
function read({ send }: FakeSend, seconds = 3600, language = "en") {
  const t = i18next.getFixedT(language);
  const verdict = verdictOf(send, Date.parse(at(seconds)), readerOf(t, language));
  return {
    ...verdict,
    lines: verdict.lines.map(({ text, at: time, explanation }) =>
      [
        text.replace(slot, time ? `${(Date.parse(time) - Date.parse(at(0))) / 1000} s` : "?"),
        explanation?.cause && `${explanation.label}: ${explanation.cause}`,
        explanation?.action,
      ]
        .filter(Boolean)
        .join(" | "),
    ),
  };
}

const rule = plannedRule("acme");
const routed = plannedRule("acme", { routes: [{ account: "uk" }, { account: "de", send_id: "ACME2" }] });
const second = plannedRule("acme2", { wait_seconds: 120 });
const unread = plannedRule("late", { type: "unread", wait_seconds: 10 });

const accepted = "The message was accepted at 0 s.";
const nothing = "Nothing more is sent.";

const cases: Record<string, [FakeSend, Partial<ReturnType<typeof read>>, number?]> = {
  "read on WhatsApp": [
    new FakeSend(rule)
      .calls(undefined, "accepted")
      .receipt(undefined, "sent")
      .receipt(undefined, "read")
      .ends("whatsapp"),
    {
      tone: "good",
      headline: "Read on WhatsApp",
      lines: [accepted, "The message was read on WhatsApp at 3 s.", nothing],
    },
  ],
  "delivered by WhatsApp, not read so far": [
    new FakeSend(rule).calls(undefined, "accepted").receipt(undefined, "delivered").ends("whatsapp"),
    {
      headline: "Delivered by WhatsApp",
      lines: [accepted, "WhatsApp delivered the message to the phone at 2 s. No read receipt so far.", nothing],
    },
  ],
  "by SMS after a rejection, explained by its class": [
    new FakeSend(rule)
      .calls(undefined, "rejected", undeliverable)
      .fires("acme", "failed")
      .calls("acme", "accepted")
      .receipt("acme", "delivered")
      .ends("sms"),
    {
      tone: "plain",
      headline: "Delivered by SMS from ACME",
      lines: [
        accepted,
        "WhatsApp refused the message at 1 s. | Meta 131026: The recipient cannot be reached on this channel. | Check the number, or reach the recipient in another way.",
        "The SMS from ACME was delivered to the phone at 4 s. Rule “acme” sent the SMS because WhatsApp had failed.",
        nothing,
      ],
    },
  ],
  "by the second SMS: each is said, with its code from the table": [
    new FakeSend(rule, second)
      .calls(undefined, "accepted")
      .receipt(undefined, "failed", undeliverable)
      .fires("acme", "failed")
      .calls("acme", "accepted")
      .receipt("acme", "sent")
      .receipt("acme", "failed", unreachable)
      .fires("acme2", "failed")
      .calls("acme2", "accepted")
      .receipt("acme2", "delivered")
      .ends("sms"),
    {
      headline: "Delivered by SMS from ACME2",
      lines: [
        accepted,
        expect.stringContaining("WhatsApp reported at 2 s that the message failed. | Meta 131026: "),
        "The SMS from ACME failed at 6 s. Rule “acme” sent the SMS because WhatsApp had failed. | Twilio 30003: The handset is unreachable. | Wait.",
        "The SMS from ACME2 was delivered to the phone at 9 s. Rule “acme2” sent the SMS because the SMS from ACME had failed (30003).",
        nothing,
      ],
    },
  ],
  "the second rule of the plan first": [
    new FakeSend(second, rule)
      .calls(undefined, "accepted")
      .fires("acme")
      .calls("acme", "rejected", unreachable)
      .fires("acme2")
      .calls("acme2", "accepted"),
    {
      headline: "Accepted by Twilio as SMS from ACME2, no receipt so far",
      lines: [
        accepted,
        "WhatsApp accepted the message at 1 s. No receipt so far.",
        expect.stringMatching(/^Twilio refused the SMS from ACME at 3 s\. .* not delivered the message within 1 min\./),
        expect.stringMatching(/^Twilio accepted the SMS from ACME2 at 5 s\. No receipt so far\. .* within 2 min\./),
        "If this SMS fails, nothing more is sent.",
      ],
    },
  ],
  "both channels, a duplicate": [
    new FakeSend(rule)
      .calls(undefined, "accepted")
      .fires("acme", "not_delivered")
      .calls("acme", "accepted")
      .receipt("acme", "delivered")
      .ends("sms")
      .receipt(undefined, "delivered")
      .with({ duplicate_delivery: true }), // after the end, the timeline has no event of its own for it
    {
      tone: "warn",
      headline: "Delivered twice: by SMS and by WhatsApp",
      lines: expect.arrayContaining([
        "WhatsApp delivered the message too, after the SMS, at 6 s: both are charged.",
        nothing,
      ]),
    },
  ],
  "both channels, because it was not read": [
    new FakeSend(unread)
      .calls(undefined, "accepted")
      .receipt(undefined, "delivered")
      .fires("late", "not_read")
      .calls("late", "accepted")
      .receipt("late", "delivered")
      .ends("sms"),
    {
      headline: "Delivered by WhatsApp, and by SMS too",
      lines: expect.arrayContaining([
        "The SMS from LATE was delivered to the phone at 5 s. Rule “late” sent the SMS because the message was not read on WhatsApp within 10 s.",
      ]),
    },
  ],
  averted: [
    new FakeSend(rule)
      .calls(undefined, "accepted")
      .receipt(undefined, "delivered")
      .event({ kind: "averted", channel: "whatsapp", rule: "acme", status: "delivered" })
      .ends("whatsapp"),
    {
      headline: "Delivered by WhatsApp",
      lines: expect.arrayContaining([
        "Rule “acme” sent no SMS: WhatsApp had delivered the message, as the last look found at 3 s.",
      ]),
    },
  ],
  "averted while the SMS was retried": [
    new FakeSend(rule)
      .calls(undefined, "accepted")
      .fires("acme")
      .calls("acme", "throttled", { kind: "throttled", code: "20429" })
      .receipt(undefined, "delivered")
      .event({ kind: "averted", channel: "whatsapp", rule: "acme", status: "delivered" })
      .ends("whatsapp"),
    {
      lines: [
        accepted,
        expect.stringContaining("delivered the message to the phone"),
        expect.stringContaining("Rule “acme” sent no SMS"),
        nothing,
      ],
    },
  ],
  "opted out": [
    new FakeSend(rule)
      .calls(undefined, "rejected", { kind: "rejected", class: "opted_out", code: "131050" })
      .event({ kind: "opted_out", channel: "whatsapp", code: "131050" })
      .ends("failed"),
    {
      tone: "bad",
      headline: "Not delivered: the recipient has opted out",
      lines: [
        accepted,
        "WhatsApp refused the message at 1 s. | Meta 131050: The recipient has opted out of such messages. | Send no such messages to this recipient until they opt in again.",
        "The recipient has opted out (WhatsApp), found at 2 s.",
        nothing,
      ],
    },
  ],
  "on the list of opt-outs": [
    new FakeSend(rule).event({ kind: "opted_out", channel: "whatsapp" }).ends("failed"),
    {
      tone: "bad",
      headline: "Not delivered: the recipient has opted out",
      lines: expect.arrayContaining(["The recipient is on the list of opt-outs, found at 1 s."]),
    },
  ],
  "opted out by SMS, while WhatsApp may still arrive": [
    new FakeSend(rule, second)
      .calls(undefined, "accepted")
      .receipt(undefined, "sent")
      .fires("acme")
      .calls("acme", "rejected", { kind: "rejected", class: "opted_out", code: "21610" })
      .event({ kind: "opted_out", channel: "sms", rule: "acme", code: "21610" })
      .ends("unconfirmed"),
    {
      tone: "warn",
      headline: "Not confirmed: no receipt says that it was delivered",
      lines: expect.arrayContaining([
        "WhatsApp sent the message at 2 s. No delivery receipt so far.",
        "The recipient has opted out (SMS), found at 5 s.",
        "Nothing more is sent. A late receipt still updates this page.",
      ]),
    },
  ],
  "queued, with the rule that is next": [
    new FakeSend(rule).with({ next_rule: "acme", next_deadline: at(60) }),
    {
      tone: "wait",
      headline: "Accepted, not sent yet",
      lines: [
        accepted,
        "The message has not been handed to WhatsApp yet.",
        "If WhatsApp has not delivered the message by 60 s, rule “acme” sends an SMS from ACME.",
      ],
    },
    1,
  ],
  calling: [
    new FakeSend(rule).calls(undefined, "calling"),
    {
      headline: "Being sent by WhatsApp",
      lines: expect.arrayContaining(["The message is being handed to WhatsApp since 0 s."]),
    },
  ],
  "submitted, and only a failure fires the rule": [
    new FakeSend(plannedRule("acme", { wait_seconds: undefined })).calls(undefined, "accepted"),
    {
      headline: "Accepted by WhatsApp, no receipt so far",
      lines: [
        accepted,
        "WhatsApp accepted the message at 1 s. No receipt so far.",
        "If WhatsApp reports a failure, rule “acme” sends an SMS from ACME.",
      ],
    },
  ],
  "sent, and a rule is due": [
    new FakeSend(rule)
      .calls(undefined, "accepted")
      .receipt(undefined, "sent")
      .with({ next_rule: "acme", next_deadline: at(60) }),
    {
      headline: "Sent by WhatsApp, no delivery receipt so far",
      lines: expect.arrayContaining(["Rule “acme” is due: its SMS from ACME is sent now."]),
    },
    61,
  ],
  "delivered, and an unread rule waits": [
    new FakeSend(unread)
      .calls(undefined, "accepted")
      .receipt(undefined, "delivered")
      .with({ next_rule: "late", next_deadline: at(10) }),
    {
      headline: "Delivered by WhatsApp, no read receipt so far",
      lines: expect.arrayContaining(["If the message is not read by 10 s, rule “late” sends an SMS from LATE."]),
    },
    5,
  ],
  "WhatsApp failed, the SMS is next": [
    new FakeSend(rule).calls(undefined, "rejected", undeliverable).with({ next_rule: "acme", next_deadline: at(1) }),
    { headline: "WhatsApp failed, the SMS from ACME follows" },
  ],
  "the SMS is under way, and another rule is left": [
    new FakeSend(rule, second).calls(undefined, "rejected", undeliverable).fires("acme").calls("acme", "calling"),
    {
      headline: "Being sent by SMS from ACME",
      lines: expect.arrayContaining([
        expect.stringContaining("The SMS from ACME is being handed to Twilio since 2 s."),
        "If this SMS fails, rule “acme2” can send another one from ACME2.",
      ]),
    },
  ],
  "the SMS is sent": [
    new FakeSend(rule)
      .calls(undefined, "rejected", undeliverable)
      .fires("acme")
      .calls("acme", "accepted")
      .receipt("acme", "sent"),
    { headline: "Sent by SMS from ACME, no delivery receipt so far" },
  ],
  "the SMS failed, the next one waits": [
    new FakeSend(rule, second)
      .calls(undefined, "accepted")
      .fires("acme")
      .calls("acme", "rejected", unreachable)
      .with({ next_rule: "acme2", next_deadline: at(120) }),
    {
      headline: "The SMS from ACME failed, one from ACME2 follows",
      lines: expect.arrayContaining([
        "If WhatsApp has not delivered the message by 120 s, rule “acme2” sends an SMS from ACME2.",
      ]),
    },
    70,
  ],
  "WhatsApp throttles": [
    new FakeSend(rule).calls(undefined, "throttled", throttled, 3).with({ next_rule: "acme", next_deadline: at(60) }),
    {
      tone: "warn",
      headline: "Delayed: WhatsApp accepts no messages at present",
      lines: expect.arrayContaining([
        "WhatsApp has not accepted the message: 3 calls so far, the last at 1 s. The call is repeated.",
      ]),
    },
    5,
  ],
  "Twilio is down": [
    new FakeSend(rule)
      .calls(undefined, "rejected", undeliverable)
      .fires("acme")
      .calls("acme", "unavailable", { kind: "unavailable" }),
    { tone: "warn", headline: "Delayed: Twilio accepts no SMS at present" },
  ],
  "no SMS account is healthy: nobody was called": [
    new FakeSend(rule)
      .calls(undefined, "rejected", undeliverable)
      .fires("acme", "failed")
      .calls("acme", "unavailable", { kind: "unavailable", not_called: "unhealthy", reason: "not called: …" }),
    {
      tone: "warn",
      headline: "Delayed: Twilio has not been called yet",
      lines: expect.arrayContaining([
        "The SMS from ACME has not been handed to Twilio yet. Rule “acme” sent the SMS because WhatsApp had failed. | Not called: Other calls had found the account unhealthy. | See the account for the reason. It is called again when it is healthy.",
      ]),
    },
  ],
  "no SMS account was healthy until the end": [
    new FakeSend(rule)
      .calls(undefined, "rejected", undeliverable)
      .fires("acme", "failed")
      .calls("acme", "unavailable", { kind: "unavailable", not_called: "unhealthy" })
      .receipt("acme", "failed")
      .ends("failed"),
    {
      lines: expect.arrayContaining([
        expect.stringContaining("The SMS from ACME was not sent. Rule “acme” sent"),
        expect.stringContaining("Not called: Other calls had found the account unhealthy."),
      ]),
    },
  ],
  "a call was made before the account became unhealthy": [
    new FakeSend(rule)
      .calls(undefined, "rejected", undeliverable)
      .fires("acme")
      .calls("acme", "unavailable", { kind: "unavailable", not_called: "unhealthy" }, 3),
    { headline: "Delayed: Twilio accepts no SMS at present" },
  ],
  "the account of WhatsApp is unhealthy: it falls back without a call": [
    new FakeSend(rule)
      .event({
        kind: "gave_up",
        channel: "whatsapp",
        status: "failed",
        failure: { kind: "unavailable", not_called: "unhealthy" },
      })
      .with({ whatsapp: { status: "failed" } })
      .fires("acme", "failed")
      .calls("acme", "accepted"),
    {
      lines: expect.arrayContaining([
        "The message was not handed to WhatsApp. | Not called: Other calls had found the account unhealthy. | See the account for the reason. It is called again when it is healthy.",
      ]),
    },
  ],
  "the account of WhatsApp is unhealthy, and the send is held": [
    new FakeSend(rule).calls(undefined, "unavailable", { kind: "unavailable", not_called: "unhealthy" }),
    {
      tone: "warn",
      headline: "Delayed: WhatsApp has not been called yet",
      lines: expect.arrayContaining([
        expect.stringContaining("The message has not been handed to WhatsApp yet. | Not called"),
      ]),
    },
  ],
  "WhatsApp was given up": [
    new FakeSend(rule)
      .calls(undefined, "unavailable", { kind: "unavailable" }, 7)
      .receipt(undefined, "failed")
      .fires("acme", "not_delivered")
      .calls("acme", "accepted")
      .receipt("acme", "delivered")
      .ends("sms"),
    {
      lines: expect.arrayContaining([
        "WhatsApp did not accept the message before the retries ended: 7 calls, the last at 2 s.",
      ]),
    },
  ],
  "the answer of WhatsApp was lost": [
    new FakeSend(rule).calls(undefined, "unknown", { kind: "unknown", reason: "no answer in 20s" }),
    {
      headline: "Perhaps sent by WhatsApp: its answer was lost",
      lines: expect.arrayContaining([
        "WhatsApp may have the message: the answer to the call was lost at 1 s, and no receipt has come so far.",
      ]),
    },
  ],
  "the answer was lost, but a receipt came": [
    new FakeSend(rule).calls(undefined, "unknown", { kind: "unknown" }).receipt(undefined, "read").ends("whatsapp"),
    { headline: "Read on WhatsApp", lines: [accepted, "The message was read on WhatsApp at 2 s.", nothing] },
  ],
  "the answer to the SMS was lost": [
    new FakeSend(rule)
      .calls(undefined, "rejected", undeliverable)
      .fires("acme")
      .calls("acme", "unknown", { kind: "unknown" }),
    { headline: "Perhaps sent by SMS: the answer of Twilio was lost" },
  ],
  "cancelled before WhatsApp was called": [
    new FakeSend(rule).event({ kind: "cancelled" }).ends("cancelled"),
    {
      tone: "quiet",
      headline: "Cancelled before anything was sent",
      lines: [accepted, "The message was not handed to WhatsApp.", "The send was cancelled at 1 s.", nothing],
    },
  ],
  "cancelled after WhatsApp was called": [
    new FakeSend(rule)
      .calls(undefined, "accepted")
      .event({ kind: "cancelled" })
      .ends("cancelled")
      .receipt(undefined, "delivered"),
    {
      tone: "quiet",
      headline: "Cancelled: no SMS follows",
      lines: [
        accepted,
        "WhatsApp delivered the message to the phone at 4 s. No read receipt so far.",
        "The send was cancelled at 2 s.",
        "Nothing more is sent. A late receipt still updates this page.",
      ],
    },
  ],
  "confirmed before its end": [
    new FakeSend(rule)
      .calls(undefined, "accepted")
      .event({ kind: "confirmed" })
      .with({ confirmed_at: at(2) })
      .ends("confirmed"),
    {
      tone: "good",
      headline: "Confirmed: the recipient has acted",
      lines: [
        accepted,
        "WhatsApp accepted the message at 1 s. No receipt so far.",
        "At 2 s it was confirmed that the recipient has acted on the message.",
        "Nothing more is sent. A late receipt still updates this page.",
      ],
    },
  ],
  "confirmed after its end": [
    new FakeSend(rule)
      .calls(undefined, "accepted")
      .receipt(undefined, "delivered")
      .ends("whatsapp")
      .with({ confirmed_at: at(9) }),
    {
      tone: "good",
      headline: "Delivered by WhatsApp",
      lines: [
        accepted,
        "WhatsApp delivered the message to the phone at 2 s. No read receipt so far.",
        "At 9 s it was confirmed that the recipient has acted on the message.",
        nothing,
      ],
    },
  ],
  expired: [
    new FakeSend(rule)
      .with({ expires_at: at(30) })
      .calls(undefined, "unavailable", { kind: "unavailable" })
      .event({ kind: "expired" })
      .ends("expired"),
    {
      tone: "quiet",
      headline: "Not delivered: the message expired",
      lines: [
        accepted,
        "The message was not handed to WhatsApp.",
        "The message expired at 30 s: nothing is sent after that.",
        nothing,
      ],
    },
  ],
  "an expiry ahead": [
    new FakeSend(rule).with({ expires_at: at(30) }).calls(undefined, "accepted"),
    { lines: expect.arrayContaining(["The message expires at 30 s: nothing is sent after that."]) },
  ],
  "everything failed": [
    new FakeSend(rule)
      .calls(undefined, "rejected", undeliverable)
      .fires("acme")
      .calls("acme", "rejected", { kind: "rejected", code: "99999", reason: "A new error" })
      .ends("failed"),
    {
      headline: "Not delivered: WhatsApp and SMS failed",
      lines: expect.arrayContaining([expect.stringContaining("Twilio refused the SMS from ACME at 3 s.")]),
    },
  ],
  "too late for WhatsApp": [
    new FakeSend(rule).fires("acme", "too_late").calls("acme", "accepted").receipt("acme", "delivered").ends("sms"),
    {
      lines: [
        accepted,
        "The message was not handed to WhatsApp: the wait had ended before.",
        expect.stringContaining("because its wait had ended before the send was processed"),
        nothing,
      ],
    },
  ],
  abandoned: [
    new FakeSend(rule)
      .event({ kind: "gave_up", detail: "its workflow is lost" })
      .with({ whatsapp: { status: "failed" } })
      .ends("failed"),
    {
      headline: "Not delivered: the send could not be processed",
      lines: expect.arrayContaining(["Backstop could not process the send, and ended it at 1 s."]),
    },
  ],
  "another account follows one that refused": [
    new FakeSend(routed)
      .calls(undefined, "rejected", undeliverable)
      .fires("acme", "failed")
      .calls("acme", "rejected", { kind: "rejected", class: "account", code: "99998" }, 1, "uk")
      .routes("acme", "de", "refused")
      .calls("acme", "accepted", undefined, 1, "de")
      .receipt("acme", "delivered")
      .ends("sms"),
    {
      headline: "Delivered by SMS from ACME2 (de)",
      lines: [
        accepted,
        expect.stringContaining("WhatsApp refused the message at 1 s."),
        expect.stringContaining("Twilio refused the SMS from ACME (uk) at 3 s."),
        "The SMS from ACME2 (de) was delivered to the phone at 6 s. Account de followed, because uk had refused the SMS for a reason of its own.",
        nothing,
      ],
    },
  ],
  "another account in the place of an unhealthy one": [
    new FakeSend(routed)
      .calls(undefined, "rejected", undeliverable)
      .fires("acme", "failed")
      .routes("acme", "de", "unhealthy")
      .calls("acme", "accepted", undefined, 1, "de"),
    {
      headline: "Accepted by Twilio as SMS from ACME2, no receipt so far",
      lines: expect.arrayContaining([
        "Twilio accepted the SMS from ACME2 at 4 s. No receipt so far. Rule “acme” sent the SMS because WhatsApp had failed. Account de took the place of uk, which was unhealthy.",
      ]),
    },
  ],
  "another account after one that was down": [
    new FakeSend(routed)
      .calls(undefined, "rejected", undeliverable)
      .fires("acme", "failed")
      .calls("acme", "unavailable", { kind: "unavailable" }, 3, "uk")
      .routes("acme", "de", "down")
      .calls("acme", "accepted", undefined, 1, "de"),
    {
      headline: "Accepted by Twilio as SMS from ACME2 (de), no receipt so far",
      lines: expect.arrayContaining([
        expect.stringContaining("The SMS from ACME (uk) was not sent."),
        "Twilio accepted the SMS from ACME2 (de) at 5 s. No receipt so far. Account de followed, because uk was down or throttled.",
      ]),
    },
  ],
  "a receipt after the end": [
    new FakeSend(rule).calls(undefined, "accepted").ends("unconfirmed").receipt(undefined, "delivered").with({
      outcome: "whatsapp",
    }),
    {
      tone: "good",
      headline: "Delivered by WhatsApp",
      lines: expect.arrayContaining(["The send had ended as “Unconfirmed”. A receipt came after that, at 3 s."]),
    },
  ],
};

for (const [name, [fake, wanted, seconds]] of Object.entries(cases)) {
  test(name, () => {
    expect(read(fake, seconds)).toMatchObject(wanted);
    expectNoEnglish(read(fake, seconds, "zh-CN"));
  });
}

/** expectNoEnglish checks that a Chinese verdict has no English words but names, and no gap. */
function expectNoEnglish({ headline, lines }: ReturnType<typeof read>): void {
  for (const text of [headline, ...lines]) {
    const rest = text.replace(/WhatsApp|Meta|Twilio|ACME2?|LATE|uk|de|“\w+”|[0-9]+ s/g, "");
    expect(rest).not.toMatch(/[A-Za-z{}]/);
  }
}

test("a code that no table has is explained by the provider's own words alone", () => {
  const { send } = cases["everything failed"]?.[0] ?? new FakeSend();
  const explained = verdictOf(send, 0, readerOf(i18next.getFixedT("en"), "en")).lines.map(
    ({ explanation }) => explanation,
  );
  expect(explained[2]).toEqual({ label: "Twilio 99999", cause: "", action: "", quote: "A new error", log: "" });
});

test("the outcomes have their tones", () => {
  const tone = (outcome: Send["outcome"]) => read(new FakeSend(rule).ends(outcome)).tone;
  const tones = { whatsapp: "good", sms: "plain", unconfirmed: "warn", expired: "quiet", failed: "bad" } as const;
  const ofCaller = { cancelled: "quiet", confirmed: "good" } as const;
  for (const [outcome, wanted] of Object.entries({ ...tones, ...ofCaller })) {
    expect(tone(outcome as Send["outcome"]), outcome).toBe(wanted);
  }
});

test("a Chinese summary has a space between a time and a word", () => {
  const { send } = new FakeSend(rule).calls(undefined, "accepted");
  const reader = readerOf(i18next.getFixedT("zh-CN"), "zh-CN");
  expect(summaryOf(send, verdictOf(send, Date.parse(at(5)), reader), "", reader)).toMatch(/[0-9] 受理。/);
});

test("with several accounts the verdict names the account of each SMS", () => {
  const { send } = new FakeSend(rule).calls(undefined, "accepted").fires("acme", "failed").calls("acme", "accepted");
  const reader = { ...readerOf(i18next.getFixedT("en"), "en"), hasSeveralAccounts: true };
  expect(verdictOf(send, 0, reader).headline).toBe("Accepted by Twilio as SMS from ACME (twilio), no receipt so far");
});

test.each([
  ["meta", "Meta WhatsApp Cloud API", "Meta"],
  ["http", "Generic HTTP gateway", "HTTP"],
  ["sms77", "Seven", "Seven"],
  ["infobip", undefined, "Infobip"], // the providers are not loaded
  ["", undefined, ""],
])("the provider %j with the title %j is called %j", (name, title, wanted) => {
  const providers = title ? [{ name, title } as Schemas["Provider"]] : [];
  expect(providerName(name, providers)).toBe(wanted);
});

test("a scheduled send says when it starts", () => {
  const send = new FakeSend(rule).with({ send_at: at(7200), next_rule: "acme", next_deadline: at(7260) });
  const { headline, tone, lines } = read(send);
  expect([headline, tone]).toEqual(["Scheduled, not started yet", "wait"]);
  expect(lines).toContain("It is scheduled, and starts at 7200 s.");
  expect(lines).toContain("If WhatsApp has not delivered the message by 7260 s, rule “acme” sends an SMS from ACME.");
  expect(read(send, 7300).lines).toContain(
    "It was scheduled for 7200 s, and waits for its turn: scheduled sends start one after another.",
  );
  expect(read(send, 3600, "zh-CN").lines).toContain("已定时，将于 7200 s开始。");
});

test("a send that was scheduled says when it started, or that it ended before", () => {
  const started = new FakeSend(rule).with({ send_at: at(60), started_at: at(90) });
  expect(read(started).headline).toBe("Accepted, not sent yet");
  expect(read(started).lines).toContain("It was scheduled, and started at 90 s.");
  const ended = new FakeSend(rule).with({ send_at: at(7200) }).ends("failed");
  expect(read(ended).lines).toContain("It was scheduled for 7200 s, and ended before it started.");
});
