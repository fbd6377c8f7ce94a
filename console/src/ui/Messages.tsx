// The messages of antd (App.useApp), which the first page does not need: they are loaded after it.
import AppContext from "antd/es/app/context";
import { type ContextType, lazy, type ReactNode, Suspense, useState } from "react";

type Messages = ContextType<typeof AppContext>;
type Message = Messages["message"];

const LoadedMessages = lazy(() => import("./LoadedMessages"));

/** later returns messages that are shown once the real ones are loaded. */
function later(): { messages: Messages; setReal: (real: Messages) => void } {
  let setReal: (real: Messages) => void = () => {};
  const real = new Promise<Messages>((resolve) => {
    setReal = resolve;
  });
  const show = (kind: "success" | "error" | "info" | "warning") => (content: Parameters<Message["success"]>[0]) =>
    real.then(({ message }) => message[kind](content));
  const message = { success: show("success"), error: show("error"), info: show("info"), warning: show("warning") };
  return { messages: { message, notification: {}, modal: {} } as unknown as Messages, setReal };
}

/** MessagesProvider provides the messages to its children. It loads them if the page is ready. */
export function MessagesProvider({ ready, children }: { ready: boolean; children: ReactNode }) {
  const [{ messages, setReal }] = useState(later);
  const [real, keep] = useState<Messages>();
  return (
    <AppContext.Provider value={real ?? messages}>
      {children}
      {ready && (
        <Suspense>
          <LoadedMessages
            onLoad={(loaded) => {
              keep(loaded);
              setReal(loaded);
            }}
          />
        </Suspense>
      )}
    </AppContext.Provider>
  );
}
