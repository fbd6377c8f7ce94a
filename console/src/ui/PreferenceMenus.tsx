import { Button, Dropdown } from "antd";
import { useTranslation } from "react-i18next";
import { type Appearance, type Language, usePreferences } from "../preferences";
import { GlobalOutlined, MoonOutlined, SunOutlined } from "./icons";

/** PreferenceMenus are the menus of the language and of the appearance. */
export default function PreferenceMenus() {
  return (
    <>
      <LanguageSwitch />
      <AppearanceSwitch />
    </>
  );
}

const languageNames: Record<Language, string> = { en: "English", "zh-CN": "简体中文" };

function LanguageSwitch() {
  const { t } = useTranslation();
  const { language, setLanguage } = usePreferences();
  const items = (Object.keys(languageNames) as Language[]).map((key) => ({
    key,
    label: <span lang={key}>{languageNames[key]}</span>,
  }));
  return (
    <Dropdown
      trigger={["click"]}
      menu={{ items, selectable: true, selectedKeys: [language], onClick: ({ key }) => setLanguage(key as Language) }}
    >
      <Button type="text" icon={<GlobalOutlined />} aria-label={`${t("shell.language")}: ${languageNames[language]}`} />
    </Dropdown>
  );
}

function AppearanceSwitch() {
  const { t } = useTranslation();
  const { appearance, dark, setAppearance } = usePreferences();
  const items = (["light", "dark", "system"] as const).map((key) => ({ key, label: t(`shell.appearances.${key}`) }));
  return (
    <Dropdown
      trigger={["click"]}
      menu={{
        items,
        selectable: true,
        selectedKeys: [appearance],
        onClick: ({ key }) => setAppearance(key as Appearance),
      }}
    >
      <Button
        type="text"
        icon={dark ? <MoonOutlined /> : <SunOutlined />}
        aria-label={`${t("shell.appearance")}: ${t(`shell.appearances.${appearance}`)}`}
      />
    </Dropdown>
  );
}
