import { Alert } from "antd";
import { useTranslation } from "react-i18next";
import { useLocation, useNavigate } from "react-router";
import type { Account } from "../api/client";

/** Saved is what the page of an account is to say of the newest change. It is kept in the history of the browser. */
interface Saved {
  unchecked?: string; // why the provider could not be asked
}

/** stateOf returns the state of a navigation to the page of an account that was just saved. */
export function stateOf({ unchecked, unchecked_reason }: Account): Saved | null {
  return unchecked ? { unchecked: unchecked_reason ?? "" } : null;
}

/** Unchecked warns that an account was stored although its provider could not be asked. */
export function Unchecked({ title }: { title: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const reason = (useLocation().state as Saved | null)?.unchecked;
  if (reason === undefined) {
    return null;
  }
  return (
    <Alert
      className="problem"
      type="warning"
      showIcon
      role="alert"
      title={t("accounts.unchecked", { provider: title })}
      description={<span lang="en">{reason}</span>}
      closable={{ onClose: () => navigate(".", { replace: true, state: null }), "aria-label": t("accounts.dismiss") }}
    />
  );
}
