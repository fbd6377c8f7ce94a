// The titles of pages whose other words are loaded with them. The menu has them.
export const titles = {
  audit: { title: "Audit log" },
  callbacks: { title: "Callbacks" },
  guards: { title: "Guards" },
  keys: { title: "API keys" },
  messages: { title: "Messages" },
  optOuts: { title: "Opt-outs" },
  persons: { title: "Personal data" },
  people: { title: "Sessions" },
};
