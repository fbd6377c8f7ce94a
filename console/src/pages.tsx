// The pages of the console. To add a page, add an entry here, its texts in i18n/, and its folder.

import { type ComponentType, lazy, type ReactNode } from "react";
import type { Session } from "./api/client";
import OverviewPage from "./overview/OverviewPage";
import {
  ApartmentOutlined,
  ApiOutlined,
  DashboardOutlined,
  FieldTimeOutlined,
  FileTextOutlined,
  MessageOutlined,
  NotificationOutlined,
  RocketOutlined,
  SafetyOutlined,
  SendOutlined,
  StopOutlined,
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
    | "start.title";
  icon: ReactNode;
  group?: "fallback" | "more";
}

interface Page {
  path: string; // below /console, in the syntax of react-router
  component: ComponentType<{ session: Session }>;
  menu?: MenuEntry;
  under?: string; // the path of the menu entry that is marked on this page
}

export const pages: Page[] = [
  {
    path: "/",
    component: OverviewPage, // in the first file, because it is the first page
    menu: { label: "overview.title", icon: <DashboardOutlined /> },
  },
  {
    path: "/sends",
    component: lazy(() => import("./sends/SendsPage")),
    menu: { label: "sends.title", icon: <SendOutlined /> },
  },
  { path: "/sends/new", component: lazy(() => import("./sends/NewSendPage")), under: "/sends" },
  { path: "/sends/:id", component: lazy(() => import("./sends/SendPage")), under: "/sends" },
  {
    path: "/rules",
    component: lazy(() => import("./rules/RulesPage")),
    menu: { label: "rules.title", icon: <FieldTimeOutlined />, group: "fallback" },
  },
  { path: "/rules/:id", component: lazy(() => import("./rules/RulePage")), under: "/rules" },
  {
    path: "/policies",
    component: lazy(() => import("./policies/PoliciesPage")),
    menu: { label: "policies.title", icon: <ApartmentOutlined />, group: "fallback" },
  },
  { path: "/policies/:id", component: lazy(() => import("./policies/PolicyPage")), under: "/policies" },
  {
    path: "/accounts",
    component: lazy(() => import("./accounts/AccountsPage")),
    menu: { label: "accounts.title", icon: <ApiOutlined />, group: "more" },
  },
  { path: "/accounts/:name", component: lazy(() => import("./accounts/AccountPage")), under: "/accounts" },
  {
    path: "/templates",
    component: lazy(() => import("./templates/TemplatesPage")),
    menu: { label: "templates.title", icon: <FileTextOutlined />, group: "more" },
  },
  {
    path: "/messages",
    component: lazy(() => import("./messages/MessagesPage")),
    menu: { label: "messages.title", icon: <MessageOutlined />, group: "more" },
  },
  { path: "/messages/:id", component: lazy(() => import("./messages/MessagePage")), under: "/messages" },
  {
    path: "/callbacks",
    component: lazy(() => import("./callbacks/CallbacksPage")),
    menu: { label: "callbacks.title", icon: <NotificationOutlined />, group: "more" },
  },
  {
    path: "/opt-outs",
    component: lazy(() => import("./optOuts/OptOutsPage")),
    menu: { label: "optOuts.title", icon: <StopOutlined />, group: "more" },
  },
  {
    path: "/guards",
    component: lazy(() => import("./guards/GuardsPage")),
    menu: { label: "guards.title", icon: <SafetyOutlined />, group: "more" },
  },
  {
    path: "/start",
    component: lazy(() => import("./start/StartPage")),
    menu: { label: "start.title", icon: <RocketOutlined />, group: "more" },
  },
];
