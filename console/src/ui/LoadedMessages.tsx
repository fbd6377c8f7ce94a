import { App } from "antd";
import { useEffect } from "react";

type Messages = ReturnType<typeof App.useApp>;

/** LoadedMessages holds the messages of antd, and passes them on. */
export default function LoadedMessages({ onLoad }: { onLoad: (messages: Messages) => void }) {
  return (
    <App component={false}>
      <Pass onLoad={onLoad} />
    </App>
  );
}

function Pass({ onLoad }: { onLoad: (messages: Messages) => void }) {
  const messages = App.useApp();
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each set of messages
  useEffect(() => onLoad(messages), [messages]);
  return null;
}
