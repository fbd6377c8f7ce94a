// The pages of the console. To add a page, add an entry here, its texts in i18n/, and its folder.

import { type ComponentType, lazy, type ReactNode } from "react";
import type { Session } from "./api/client";
import { loadWords } from "./i18n";
import OverviewPage from "./overview/OverviewPage";
import type { Scope } from "./session/may";
import {
  ApartmentOutlined,
  ApiOutlined,
  AuditOutlined,
  DashboardOutlined,
  FieldTimeOutlined,
  FileTextOutlined,
  KeyOutlined,
  MessageOutlined,
  NotificationOutlined,
  RocketOutlined,
  SafetyOutlined,
  SendOutlined,
  StopOutlined,
  TeamOutlined,
  UserOutlined,
} from "./ui/firstIcons";

export interface MenuEntry {
  label:
    | "overview.title"
    | "sends.title"
    | "rules.title"
    | "policies.title"
    | "accounts.title"
    | "templates.title"
    | "callbacks.title"
    | "messages.title"
    | "optOuts.title"
    | "guards.title"
    | "audit.title"
    | "persons.title"
    | "keys.title"
    | "people.title"
    | "start.title";
  icon: ReactNode;
  group?: "fallback" | "more";
  scope?: Scope; // without it the page shows nothing
}

interface Page {
  path: string; // below /console, in the syntax of react-router
  component: ComponentType<{ session: Session }>;
  menu?: MenuEntry;
  under?: string; // the path of the menu entry that is marked on this page
}

/** later loads a page, and the words that the first page does without. */
const later = (load: () => Promise<{ default: Page["component"] }>) =>
  lazy(async () => {
    const [page] = await Promise.all([load(), loadWords()]);
    return page;
  });

export const pages: Page[] = [
  {
    path: "/",
    component: OverviewPage, // in the first file, because it is the first page
    menu: { label: "overview.title", icon: <DashboardOutlined /> },
  },
  {
    path: "/sends",
    component: later(() => import("./sends/SendsPage")),
    menu: { label: "sends.title", icon: <SendOutlined /> },
  },
  { path: "/sends/new", component: later(() => import("./sends/NewSendPage")), under: "/sends" },
  { path: "/sends/:id", component: later(() => import("./sends/SendPage")), under: "/sends" },
  {
    path: "/rules",
    component: later(() => import("./rules/RulesPage")),
    menu: { label: "rules.title", icon: <FieldTimeOutlined />, group: "fallback" },
  },
  { path: "/rules/:id", component: later(() => import("./rules/RulePage")), under: "/rules" },
  {
    path: "/policies",
    component: later(() => import("./policies/PoliciesPage")),
    menu: { label: "policies.title", icon: <ApartmentOutlined />, group: "fallback" },
  },
  { path: "/policies/:id", component: later(() => import("./policies/PolicyPage")), under: "/policies" },
  {
    path: "/accounts",
    component: later(() => import("./accounts/AccountsPage")),
    menu: { label: "accounts.title", icon: <ApiOutlined />, group: "more" },
  },
  { path: "/accounts/:name", component: later(() => import("./accounts/AccountPage")), under: "/accounts" },
  {
    path: "/templates",
    component: later(() => import("./templates/TemplatesPage")),
    menu: { label: "templates.title", icon: <FileTextOutlined />, group: "more" },
  },
  {
    path: "/messages",
    component: later(() => import("./messages/MessagesPage")),
    menu: { label: "messages.title", icon: <MessageOutlined />, group: "more" },
  },
  { path: "/messages/:id", component: later(() => import("./messages/MessagePage")), under: "/messages" },
  {
    path: "/callbacks",
    component: later(() => import("./callbacks/CallbacksPage")),
    menu: { label: "callbacks.title", icon: <NotificationOutlined />, group: "more" },
  },
  {
    path: "/opt-outs",
    component: later(() => import("./optOuts/OptOutsPage")),
    menu: { label: "optOuts.title", icon: <StopOutlined />, group: "more" },
  },
  {
    path: "/guards",
    component: later(() => import("./guards/GuardsPage")),
    menu: { label: "guards.title", icon: <SafetyOutlined />, group: "more" },
  },
  {
    path: "/audit",
    component: later(() => import("./audit/AuditPage")),
    menu: { label: "audit.title", icon: <AuditOutlined />, group: "more", scope: "admin" },
  },
  {
    path: "/persons",
    component: later(() => import("./persons/PersonsPage")),
    menu: { label: "persons.title", icon: <UserOutlined />, group: "more", scope: "admin" },
  },
  {
    path: "/api-keys",
    component: later(() => import("./apiKeys/ApiKeysPage")),
    menu: { label: "keys.title", icon: <KeyOutlined />, group: "more", scope: "admin" },
  },
  {
    path: "/sessions",
    component: later(() => import("./people/SessionsPage")),
    menu: { label: "people.title", icon: <TeamOutlined />, group: "more" },
  },
  {
    path: "/start",
    component: later(() => import("./start/StartPage")),
    menu: { label: "start.title", icon: <RocketOutlined />, group: "more" },
  },
];
