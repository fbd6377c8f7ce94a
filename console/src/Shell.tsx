// The frame of the pages. It is part of the first load, so it has no parts of antd: menus and the drawer are loaded later.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import AppContext from "antd/es/app/context";
import { lazy, Suspense, useCallback, useContext, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, matchPath, Route, Routes, useLocation } from "react-router";
import { answered, api, type Session } from "./api/client";
import { sessionQuery } from "./api/queries";
import { reentry } from "./api/reentry";
import { type MenuEntry, pages } from "./pages";
import { useSearchKeys } from "./search/useSearchKeys";
import { forgetDraft } from "./sends/forgetDraft";
import { announceSignOut, onSignOut } from "./session/signOuts";
import { LogoutOutlined, MenuOutlined } from "./ui/firstIcons";
import { Logo } from "./ui/Logo";
import { PageSkeleton } from "./ui/Skeleton";
import { zone } from "./ui/time";
import { useMedia } from "./ui/useMedia";

const HeaderSearch = lazy(() => import("./search/HeaderSearch").then((file) => ({ default: file.HeaderSearch })));
const HealthNotice = lazy(() => import("./ui/HealthNotice"));
const NavigationDrawer = lazy(() => import("./ui/NavigationDrawer"));
const PreferenceMenus = lazy(() => import("./ui/PreferenceMenus"));

interface Props {
  session: Session;
  hasData: boolean; // whether the first page has its data, so that the other files may be loaded
}

export function Shell({ session, hasData }: Props) {
  const { t, i18n } = useTranslation();
  const { pathname } = useLocation();
  const wide = useMedia("(min-width: 992px)");
  const [open, setOpen] = useState(false);
  const [searches, setSearches] = useState(0); // how often a key has asked for the search, also before it is loaded
  const main = useRef<HTMLElement>(null);
  useSearchKeys(useCallback(() => setSearches((n) => n + 1), []));

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page starts at its top
  useEffect(() => {
    setOpen(false);
    window.scrollTo(0, 0);
  }, [pathname]);

  return (
    <div className="shell">
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
      {wide && (
        <div className="shell-sider">
          <Brand />
          <Navigation session={session} />
          <p className="shell-zone">{t("shell.zone", { zone: zone(i18n.language) })}</p>
        </div>
      )}
      {!wide && hasData && (
        <Suspense>
          <NavigationDrawer open={open} onClose={() => setOpen(false)}>
            <Navigation session={session} />
          </NavigationDrawer>
        </Suspense>
      )}
      <div className="shell-body">
        <header className="shell-header">
          {!wide && (
            <>
              <button
                type="button"
                className="button button-quiet"
                aria-label={t("shell.navigation")}
                onClick={() => setOpen(true)}
              >
                <MenuOutlined />
              </button>
              <Brand />
            </>
          )}
          {hasData ? (
            <Suspense fallback={<span className="shell-gap" />}>
              <HeaderSearch asked={searches} />
            </Suspense>
          ) : (
            <span className="shell-gap" />
          )}
          {session.sandbox && (
            <span className="sandbox-badge" title={t("shell.sandboxMeans")}>
              {t("shell.sandbox")}
            </span>
          )}
          {hasData && (
            <Suspense>
              <PreferenceMenus />
            </Suspense>
          )}
          {session.person && (
            <Link to="/sessions" className="wide-only">
              {session.person.name}
            </Link>
          )}
          <SignOut />
        </header>
        <main id="main" ref={main} tabIndex={-1} className="shell-main">
          {hasData && (
            <Suspense>
              <HealthNotice />
            </Suspense>
          )}
          <Suspense fallback={<PageSkeleton />}>
            <Routes>
              {pages.map(({ path, component: Page }) => (
                <Route key={path} path={path} element={<Page session={session} />} />
              ))}
              <Route path="*" element={<NotFound />} />
            </Routes>
          </Suspense>
        </main>
        <footer className="shell-footer">
          Backstop {session.version} · <a href="/docs">{t("shell.reference")}</a>
          {!wide && <> · {t("shell.zone", { zone: zone(i18n.language) })}</>}
        </footer>
      </div>
    </div>
  );
}

function Brand() {
  return (
    <Link to="/" className="brand">
      <Logo /> <span className="brand-name">Backstop</span>
    </Link>
  );
}

function Navigation({ session: { scopes } }: { session: Session }) {
  const { t } = useTranslation();
  const inMenu = pages.flatMap(({ path, menu }) =>
    menu && (!menu.scope || scopes.includes(menu.scope)) ? [{ path, menu }] : [],
  );
  return (
    <nav aria-label={t("shell.navigation")} className="shell-nav">
      <Entries entries={inMenu.filter(({ menu }) => !menu.group)} />
      <h2 id="fallback-settings">{t("shell.fallback")}</h2>
      <Entries entries={inMenu.filter(({ menu }) => menu.group === "fallback")} labelledBy="fallback-settings" />
      <Entries entries={inMenu.filter(({ menu }) => menu.group === "more")} />
    </nav>
  );
}

function Entries({ entries, labelledBy }: { entries: { path: string; menu: MenuEntry }[]; labelledBy?: string }) {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  const current = pages.find((page) => matchPath(page.path, pathname));
  const marked = current?.under ?? current?.path;
  return (
    <ul {...(labelledBy ? { "aria-labelledby": labelledBy } : {})}>
      {entries.map(({ path, menu }) => (
        <li key={path}>
          <Link
            to={path}
            className={path === marked ? "current" : ""}
            {...(path === marked ? { "aria-current": "page" } : {})}
          >
            {menu.icon} {t(menu.label)}
          </Link>
        </li>
      ))}
    </ul>
  );
}

function SignOut() {
  const { t } = useTranslation();
  const { message } = useContext(AppContext); // App.useApp of antd, without the rest of App
  const client = useQueryClient();
  const forget = useCallback(() => {
    reentry.cancel();
    forgetDraft();
    client.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
    return client.resetQueries(sessionQuery);
  }, [client]);
  useEffect(() => onSignOut(forget), [forget]);
  const signOut = useMutation({
    mutationFn: () => answered(api.DELETE("/console/session")),
    onSuccess: () => {
      announceSignOut();
      return forget();
    },
    onError: (error) => message.error(error.message),
  });
  return (
    <button
      type="button"
      className="button button-quiet"
      aria-busy={signOut.isPending}
      onClick={() => !signOut.isPending && signOut.mutate()}
    >
      <LogoutOutlined />
      <span className="wide-only">{t("shell.signOut")}</span>
      <span className="narrow-only visually-hidden">{t("shell.signOut")}</span>
    </button>
  );
}

function NotFound() {
  const { t } = useTranslation();
  return (
    <div className="not-found">
      <h1>{t("shell.notFound")}</h1>
      <Link to="/" className="button button-primary">
        {t("shell.toOverview")}
      </Link>
    </div>
  );
}
