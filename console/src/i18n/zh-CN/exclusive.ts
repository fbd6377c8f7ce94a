import type { Words } from "../en";

export const exclusive: Pick<Words, "exclusive"> = {
  exclusive: {
    field: "短信发出后，WhatsApp 消息不得再送达",
    means: "每条规则的等待时间不得短于模板的有效期，短信会再晚数秒发出。只等待失败的规则适用于任何消息。",
    levels: {
      guaranteed: "短信后 WhatsApp 再送达：已排除",
      likely: "短信后 WhatsApp 再送达：可能性很小",
      no: "短信后 WhatsApp 再送达：有可能",
    },
    reasons: {
      unread: "规则“{{rule}}”在 WhatsApp 送达之后仍会发送短信。",
      ttl_unknown: "规则“{{rule}}”等待 {{wait}}，而文本或未知模板，WhatsApp 最长可能在 30 天内送达。",
      wait_too_short: "规则“{{rule}}”等待 {{wait}}，而 WhatsApp 最长会尝试 {{whatsapp}}。",
      default_ttl: "模板未设有效期，按 {{whatsapp}}计；但若模板创建于 2024-10-23 之前，则为 30 天。",
      not_exclusive: "规则允许，但此发送未设为独占：不会为途中的回执，或因 WhatsApp 调用较晚而推迟短信。",
      dropped_before: "WhatsApp 会在 {{whatsapp}}后丢弃消息，短信再推迟 {{grace}}发出。",
      failures_only: "只有服务商报告失败，才会发送短信。",
      no_whatsapp: "此消息不经 WhatsApp 发送。",
    },
  },
};
