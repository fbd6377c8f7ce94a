import { useQuery } from "@tanstack/react-query";
import { Button, Modal, Spin } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Rule } from "../api/client";
import { type AccountItem, routesQuery, rulesQuery, sessionQuery } from "../api/queries";
import { meaning } from "../rules/meaning";
import { RuleDialog } from "../rules/RuleDialog";
import { ButtonLink } from "../ui/ButtonLink";
import { Name } from "../ui/Name";
import { useFocusReturn } from "../ui/useFocusReturn";
import { firstAccount, namesAccount } from "./routes";

const scenario = "04"; // WhatsApp rejects the message, so each rule fires at once

/**
 * TestDialog leads to a test send by an SMS account. An SMS goes out only by a rule, so it offers the policies whose rules begin
 * with the account.
 */
export function TestDialog({ account, onClose }: { account: AccountItem; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  useFocusReturn();
  const [adding, setAdding] = useState(false);
  const rules = useQuery(rulesQuery({ limit: 200 }));
  const standard = useQuery(routesQuery).data?.items.find((route) => route.default)?.name;
  const isSandbox = useQuery(sessionQuery).data?.sandbox ?? false;
  const all = rules.data?.items ?? [];
  const first = all.filter((rule) => firstAccount(rule, standard) === account.name);
  const later = all.filter((rule) => !first.includes(rule) && namesAccount(rule, account.name));
  const offered = first.filter((rule) => rule.used_by?.length);
  const unused = first.filter((rule) => !rule.used_by?.length);
  return (
    <Modal
      open
      title={t("accounts.testBy", { name: account.name })}
      width={620}
      onCancel={onClose}
      footer={<Button onClick={onClose}>{t("accounts.close")}</Button>}
    >
      <p>{t(isSandbox ? "accounts.testMeansSandbox" : "accounts.testMeans")}</p>
      {account.disabled && <p>{t("accounts.testDisabled")}</p>}
      {rules.isPending && <Spin />}
      <ul className="test-policies">
        {offered.map((rule) => (
          <li key={rule.id}>
            <Name>{rule.name}</Name>
            <small>{meaning(rule, t, i18n.language)}</small>
            <Policies rule={rule} isSandbox={isSandbox} />
          </li>
        ))}
      </ul>
      {later.length > 0 && <p className="hint">{t("accounts.testLater", { rules: namesOf(later) })}</p>}
      {unused.length > 0 && <p className="hint">{t("accounts.testUnused", { rules: namesOf(unused) })}</p>}
      {rules.data && offered.length === 0 && (
        <>
          <p>{t("accounts.testNone")}</p>
          <Button onClick={() => setAdding(true)}>{t("rules.add")}</Button>
        </>
      )}
      {adding && (
        <RuleDialog
          rule={undefined}
          preset={{ type: "send_failed", wait_seconds: undefined, routes: [{ account: account.name }] }}
          onClose={() => setAdding(false)}
        />
      )}
    </Modal>
  );
}

function Policies({ rule, isSandbox }: { rule: Rule; isSandbox: boolean }) {
  const { t } = useTranslation();
  return (
    <span className="tags">
      {rule.used_by?.map(({ id, name }) => (
        <ButtonLink key={id} size="small" to={`/sends/new?policy=${id}${isSandbox ? `&scenario=${scenario}` : ""}`}>
          {t("accounts.testWith", { policy: name })}
        </ButtonLink>
      ))}
    </span>
  );
}

function namesOf(rules: Rule[]): string {
  return rules.map(({ name }) => name).join(", ");
}
