import { QueryClientProvider } from "@tanstack/react-query";
import { App as AntApp, ConfigProvider } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import dayjs from "dayjs";
import "dayjs/locale/zh-cn";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { BrowserRouter } from "react-router";
import { newQueryClient, sessionQuery } from "./api/queries";
import { type Language, PreferencesProvider, useNewPreferences } from "./preferences";
import { Shell } from "./Shell";
import { RequireSession } from "./session/RequireSession";
import { themeOf } from "./theme";
import { useNarrow } from "./ui/useMedia";

const antdLocales: Record<Language, typeof enUS> = { en: enUS, "zh-CN": zhCN };

function newClient() {
  const client = newQueryClient(() => client.invalidateQueries(sessionQuery)); // shows the sign-in
  return client;
}

export function App() {
  const preferences = useNewPreferences();
  const { language, dark, lessMotion } = preferences;
  const isNarrow = useNarrow();
  const { i18n } = useTranslation();
  const [client] = useState(newClient);

  useEffect(() => {
    i18n.changeLanguage(language);
    dayjs.locale(language.toLowerCase());
    document.documentElement.lang = language;
  }, [i18n, language]);
  useEffect(() => {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  }, [dark]);

  return (
    <PreferencesProvider value={preferences}>
      <ConfigProvider theme={themeOf(dark, !lessMotion, isNarrow)} locale={antdLocales[language]}>
        <AntApp>
          <QueryClientProvider client={client}>
            <BrowserRouter basename="/console">
              <RequireSession>{(session) => <Shell session={session} />}</RequireSession>
            </BrowserRouter>
          </QueryClientProvider>
        </AntApp>
      </ConfigProvider>
    </PreferencesProvider>
  );
}
