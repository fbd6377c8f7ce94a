// The words of an exclusive fallback, of a new send and of a stored one.
export const exclusive = {
  exclusive: {
    field: "WhatsApp must not arrive after the SMS",
    means:
      "Each rule must wait for at least the template's time-to-live, and the SMS goes out some seconds later. Rules that wait only for a failure are fine with every message.",
    levels: {
      guaranteed: "WhatsApp after the SMS: ruled out",
      likely: "WhatsApp after the SMS: unlikely",
      no: "WhatsApp after the SMS: possible",
    },
    reasons: {
      unread: "Rule “{{rule}}” sends an SMS after WhatsApp has delivered.",
      ttl_unknown:
        "Rule “{{rule}}” waits {{wait}}, and WhatsApp may deliver a text, or a template that is not known, for up to 30 days.",
      wait_too_short: "Rule “{{rule}}” waits {{wait}}, and WhatsApp tries for up to {{whatsapp}}.",
      default_ttl:
        "The template sets no time-to-live. It counts as {{whatsapp}}, but it is 30 days if the template was made before 2024-10-23.",
      not_exclusive:
        "The rules allow it, but the send is not exclusive: no SMS is held back for a receipt that is on its way, or if WhatsApp was called late.",
      dropped_before: "WhatsApp drops the message after {{whatsapp}}, and the SMS is held until {{grace}} later.",
      failures_only: "Only a failure that the provider reports leads to an SMS.",
      no_whatsapp: "The message is not sent by WhatsApp.",
    },
  },
};
