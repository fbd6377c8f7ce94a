import { useMutation, useQueryClient } from "@tanstack/react-query";
import { App, Button, Drawer, Dropdown, Grid, Layout, Menu, type MenuProps, Result, Spin } from "antd";
import { Suspense, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, matchPath, Route, Routes, useLocation } from "react-router";
import { answered, api, type Session } from "./api/client";
import { sessionQuery } from "./api/queries";
import { pages } from "./pages";
import { type Appearance, type Language, usePreferences } from "./preferences";
import { HeaderSearch } from "./search/HeaderSearch";
import { ButtonLink } from "./ui/ButtonLink";
import { GlobalOutlined, LogoutOutlined, MenuOutlined, MoonOutlined, SettingOutlined, SunOutlined } from "./ui/icons";
import { Logo } from "./ui/Logo";
import { zone } from "./ui/time";

export function Shell({ session }: { session: Session }) {
  const { t, i18n } = useTranslation();
  const { pathname } = useLocation();
  const wide = Grid.useBreakpoint().lg ?? window.innerWidth >= 992;
  const [open, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page starts at its top
  useEffect(() => {
    setOpen(false);
    window.scrollTo(0, 0);
  }, [pathname]);

  return (
    <Layout className="shell">
      {/* biome-ignore lint/a11y/useValidAnchor: it moves the focus within the page, and the router owns the address */}
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {t("shell.skip")}
      </a>
      {wide ? (
        <Layout.Sider width={232} className="shell-sider">
          <Brand />
          <Navigation />
        </Layout.Sider>
      ) : (
        <Drawer
          open={open}
          onClose={() => setOpen(false)}
          placement="left"
          size={264}
          title={t("shell.navigation")}
          styles={{ body: { padding: 8 } }}
        >
          <Navigation />
        </Drawer>
      )}
      <Layout>
        <Layout.Header className="shell-header">
          {!wide && (
            <>
              <Button
                type="text"
                icon={<MenuOutlined />}
                aria-label={t("shell.navigation")}
                onClick={() => setOpen(true)}
              />
              <Brand />
            </>
          )}
          <HeaderSearch />
          <LanguageSwitch />
          <AppearanceSwitch />
          <SignOut />
        </Layout.Header>
        <main id="main" ref={main} tabIndex={-1} className="shell-main">
          <Suspense fallback={<Spin className="page-spin" />}>
            <Routes>
              {pages.map(({ path, component: Page }) => (
                <Route key={path} path={path} element={<Page session={session} />} />
              ))}
              <Route path="*" element={<NotFound />} />
            </Routes>
          </Suspense>
        </main>
        <Layout.Footer className="shell-footer">
          Backstop {session.version} · <a href="/docs">{t("shell.reference")}</a> ·{" "}
          {t("shell.zone", { zone: zone(i18n.language) })}
        </Layout.Footer>
      </Layout>
    </Layout>
  );
}

function Brand() {
  return (
    <Link to="/" className="brand">
      <Logo /> Backstop
    </Link>
  );
}

function Navigation() {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  const current = pages.find((page) => matchPath(page.path, pathname));
  const entry = (page: (typeof pages)[number]) => ({
    key: page.path,
    icon: page.menu?.icon,
    label: <Link to={page.path}>{page.menu && t(page.menu.label)}</Link>,
  });
  const inMenu = pages.filter((page) => page.menu);
  const items: MenuProps["items"] = [
    ...inMenu.filter((page) => !page.menu?.group).map(entry),
    {
      key: "fallback",
      icon: <SettingOutlined />,
      label: t("shell.fallback"),
      children: inMenu.filter((page) => page.menu?.group === "fallback").map(entry),
    },
  ];
  return (
    <nav aria-label={t("shell.navigation")}>
      <Menu
        mode="inline"
        items={items}
        defaultOpenKeys={["fallback"]}
        selectedKeys={current ? [current.under ?? current.path] : []}
      />
    </nav>
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

function SignOut() {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const client = useQueryClient();
  const signOut = useMutation({
    mutationFn: () => answered(api.DELETE("/console/session")),
    onSuccess: () => {
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
      return client.resetQueries(sessionQuery);
    },
    onError: (error) => message.error(error.message),
  });
  return (
    <Button type="text" icon={<LogoutOutlined />} loading={signOut.isPending} onClick={() => signOut.mutate()}>
      <span className="wide-only">{t("shell.signOut")}</span>
      <span className="narrow-only visually-hidden">{t("shell.signOut")}</span>
    </Button>
  );
}

function NotFound() {
  const { t } = useTranslation();
  return (
    <Result
      status="404"
      title={<h1>{t("shell.notFound")}</h1>}
      extra={
        <ButtonLink to="/" type="primary">
          {t("shell.toOverview")}
        </ButtonLink>
      }
    />
  );
}
