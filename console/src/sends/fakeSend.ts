// Sends for tests, told as a timeline. Each step takes one second.
import type { Schemas, Send, Status } from "../api/client";

type Attempt = Schemas["Attempt"];
type Event = Schemas["Event"];
type Failure = Schemas["AttemptFailure"];
type Rule = Schemas["PlannedRule"];

const origin = Date.parse("2031-05-04T12:00:00Z");

/** at returns the time that many seconds after the send was accepted. */
export function at(seconds: number): string {
  return new Date(origin + seconds * 1000).toISOString();
}

export function plannedRule(name: string, change: Partial<Rule> = {}): Rule {
  return {
    id: name,
    name,
    type: "undelivered",
    wait_seconds: 60,
    send_id: name.toUpperCase(),
    satisfied: false,
    ...change,
  };
}

/** FakeSend builds a send from its events. */
export class FakeSend {
  readonly send: Send;
  private second = 0;

  constructor(...rules: Rule[]) {
    this.send = {
      id: "01970e2a-5b7c-7d3e-8f00-4a1b2c3d4e5f",
      to: "+447400123456",
      country: "GB",
      outcome: "pending",
      whatsapp: { status: "queued" },
      duplicate_delivery: false,
      plan: {
        policy_id: "p",
        policy_name: "Orders",
        rules,
        exclusivity: { level: "likely", reason: "not_exclusive", detail: "" },
      },
      sms_length: { encoding: "gsm7", length: 20, segments: 1 },
      attempts: [],
      events: [{ at: at(0), kind: "accepted" }],
      accepted_at: at(0),
    };
  }

  with(change: Partial<Send>): this {
    Object.assign(this.send, change);
    return this;
  }

  event(event: Omit<Event, "at">): this {
    this.second += 1;
    this.send.events.push({ at: at(this.second), ...event });
    return this;
  }

  /** calls adds the call of WhatsApp, or of a rule's SMS, with its end. */
  calls(rule: string | undefined, state: Attempt["state"], failure?: Failure, number = 1, account?: string): this {
    const channel = rule === undefined ? "whatsapp" : "sms";
    const index = this.send.plan.rules.findIndex(({ name }) => name === rule);
    const planned = this.send.plan.rules[index];
    const route = Math.max(0, planned?.routes?.findIndex((one) => one.account === account) ?? 0);
    const provider = rule === undefined ? "meta" : "twilio";
    const status: Status | undefined = state === "accepted" ? "submitted" : state === "rejected" ? "failed" : undefined;
    const attempt: Attempt = {
      step: rule === undefined ? 1 : 3 + 2 * index + 100 * route,
      number,
      channel,
      provider,
      account: account ?? provider,
      state,
      started_at: at(this.second),
      ...(rule === undefined ? {} : { rule, send_id: planned?.routes?.[route]?.send_id ?? planned?.send_id ?? "" }),
      ...(status ? { status } : {}),
      ...(failure ? { failure } : {}),
    };
    this.send.attempts = [...this.send.attempts.filter(({ step }) => step !== attempt.step), attempt];
    if (rule !== undefined) {
      this.send.sms = { status: "queued" };
      this.send.fired = { rule, reason: "in English" };
    }
    if (state !== "calling") {
      this.event({ kind: "attempt", channel, account: attempt.account, ...about(rule, status, failure) });
      attempt.ended_at = at(this.second);
    }
    return status ? this.advance(channel, status) : this;
  }

  receipt(rule: string | undefined, status: Status, failure?: Failure): this {
    const channel = rule === undefined ? "whatsapp" : "sms";
    const attempt = this.send.attempts.findLast((one) => one.channel === channel && one.rule === rule);
    if (attempt) {
      Object.assign(attempt, { status }, failure ? { failure } : {});
    }
    return this.event({ kind: "receipt", channel, ...about(rule, status, failure) }).advance(channel, status);
  }

  fires(rule: string, cause?: Schemas["FallbackReason"]): this {
    return this.event({ kind: "rule_fired", channel: "sms", rule, detail: "in English", ...(cause ? { cause } : {}) });
  }

  routes(rule: string, account: string, route_reason: Schemas["RouteReason"]): this {
    return this.event({ kind: "routed", channel: "sms", rule, account, route_reason });
  }

  ends(outcome: Send["outcome"]): this {
    this.event({ kind: "finished", outcome, detail: outcome });
    return this.with({ outcome, finished_at: at(this.second) });
  }

  private advance(channel: Schemas["Channel"], status: Status): this {
    if (channel === "whatsapp") {
      this.send.whatsapp = { status };
    } else {
      this.send.sms = { status };
    }
    return this;
  }
}

function about(rule: string | undefined, status: Status | undefined, failure: Failure | undefined): Partial<Event> {
  return {
    ...(rule === undefined ? {} : { rule }),
    ...(status ? { status } : {}),
    ...(failure?.code ? { code: failure.code } : {}),
    ...(failure
      ? {
          failure: {
            kind: failure.kind,
            ...(failure.reason ? { reason: failure.reason } : {}),
            ...(failure.not_called ? { not_called: failure.not_called } : {}),
          },
        }
      : {}),
  };
}
