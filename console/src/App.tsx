import { QueryClientProvider } from "@tanstack/react-query";
import { ConfigProvider } from "antd";
import { useEffect, useState } from "react";
import { BrowserRouter } from "react-router";
import { newQueryClient, sessionQuery } from "./api/queries";
import { reentry } from "./api/reentry";
import { loadFont } from "./font";
import { setLanguage } from "./i18n";
import { PreferencesProvider, useNewPreferences } from "./preferences";
import { Shell } from "./Shell";
import { RequireSession } from "./session/RequireSession";
import { themeOf } from "./theme";
import { MessagesProvider } from "./ui/Messages";
import { useNarrow } from "./ui/useMedia";
import { useFirstData } from "./useFirstData";

type AntdWords = Awaited<ReturnType<typeof setLanguage>>;

function newClient() {
  const client = newQueryClient();
  reentry.listen(() => client.invalidateQueries(sessionQuery)); // shows the sign-in
  return client;
}

export function App({ firstWords }: { firstWords: AntdWords }) {
  const preferences = useNewPreferences();
  const { language, dark, lessMotion } = preferences;
  const [words, setWords] = useState(firstWords);
  const isNarrow = useNarrow();
  const [client] = useState(newClient);
  const hasData = useFirstData(client);

  useEffect(() => {
    setLanguage(language).then(setWords);
    document.documentElement.lang = language;
  }, [language]);
  useEffect(() => {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  }, [dark]);
  useEffect(() => {
    if (hasData) {
      loadFont();
    }
  }, [hasData]);

  return (
    <PreferencesProvider value={preferences}>
      <ConfigProvider theme={themeOf(dark, !lessMotion, isNarrow)} {...(words ? { locale: words } : {})}>
        <QueryClientProvider client={client}>
          <MessagesProvider ready={hasData}>
            <BrowserRouter basename="/console">
              <RequireSession>{(session) => <Shell session={session} hasData={hasData} />}</RequireSession>
            </BrowserRouter>
          </MessagesProvider>
        </QueryClientProvider>
      </ConfigProvider>
    </PreferencesProvider>
  );
}
