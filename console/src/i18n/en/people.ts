// The English words of people: their sign-in and their sessions.
import { titles } from "./titles";

export const people = {
  people: {
    ...titles.people,
    about: "Who is signed in to the console. Administrators see everybody, others see themselves.",
    who: "Who",
    role: "Role",
    roles: { viewer: "Viewer", operator: "Operator", admin: "Administrator" },
    key: "API key",
    address: "Address",
    browser: "Browser",
    since: "Signed in",
    seen: "Last request",
    ends: "Ends",
    current: "this browser",
    end: "End",
    endNamed: "End the session of {{name}}",
    endQuestion: "The browser is signed out at once. Whoever may sign in can do so again.",
    ended: "The session has ended",
    none: "No sessions",
    sso: "your organization",
    signInAt: "Sign in with {{name}}",
    newTab: "It opens in a new tab. Then come back to this one.",
    or: "or with an API key",
    signOutAt: "Sign out of {{name}}",
    faulty: "You are not signed in",
    faults: {
      state:
        "This sign-in has ended, is used already, or began in another browser or at another address of the console. Sign in again.",
      refused: "The identity provider did not let you in.",
      code: "The identity provider does not accept its own answer any more. Sign in again.",
      client:
        "The identity provider does not accept this installation. An administrator must check its client, secret and redirect URI.",
      provider_away: "The identity provider does not answer. Try again later.",
      provider_malformed:
        "The answer of the identity provider cannot be trusted. An administrator finds the cause in the log.",
      clock: "The clocks of the identity provider and of this installation differ. An administrator must correct them.",
      no_role: "You have no role here. Ask an administrator to give you one at the identity provider.",
      limited: "Too many sign-ins from your address have failed. Try again in a minute.",
      unavailable: "The database does not answer. Try again later.",
      no_end: "The identity provider has no sign-out of its own.",
    },
  },
};
