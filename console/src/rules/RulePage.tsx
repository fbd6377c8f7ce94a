import { useQuery } from "@tanstack/react-query";
import { Alert, Card } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import type { Rule } from "../api/client";
import { ruleQuery } from "../api/queries";
import { sendsPath } from "../sends/filter";
import { DeleteDialog } from "../ui/DeleteDialog";
import { FactsCard } from "../ui/FactsCard";
import { ItemActions } from "../ui/ItemActions";
import { LoadedItem } from "../ui/LoadedItem";
import { PageHeader } from "../ui/PageHeader";
import { countriesText, meaning, waitText } from "./meaning";
import { RuleDialog } from "./RuleDialog";
import { UsedBy } from "./UsedBy";

/** RulePage shows one rule: what it says, where it is used, and where it fired. */
export default function RulePage() {
  const { id = "" } = useParams();
  const rule = useQuery(ruleQuery(id));
  return (
    <LoadedItem of="rules" id={id} query={rule}>
      {(loaded) => <Shown rule={loaded} />}
    </LoadedItem>
  );
}

function Shown({ rule }: { rule: Rule }) {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<"edit" | "delete">();
  const close = () => setDialog(undefined);
  const isUsed = Boolean(rule.used_by?.length);
  return (
    <>
      <PageHeader
        title={rule.name}
        path={[{ title: t("rules.title"), to: "/rules" }]}
        actions={
          <ItemActions
            edit={() => setDialog("edit")}
            remove={() => setDialog("delete")}
            history={`/audit?kind=rule&target=${rule.id}`}
          />
        }
      />
      <Alert className="sentence" type="info" title={meaning(rule, t, i18n.language)} />
      <div className="columns">
        <Facts rule={rule} />
        <div>
          <Card size="small" title={<h2>{t("rules.usedBy")}</h2>}>
            {isUsed ? <UsedBy policies={rule.used_by ?? []} /> : <p className="hint">{t("rules.unusedMeans")}</p>}
          </Card>
          <Card size="small" title={<h2>{t("rules.firedTitle")}</h2>}>
            <Link to={sendsPath({ rule: rule.name })}>{t("rules.firedSends")}</Link>
            <p className="hint">{t("rules.firedMeans")}</p>
          </Card>
        </div>
      </div>
      {dialog === "edit" && <RuleDialog rule={rule} onClose={close} />}
      {dialog === "delete" && (
        <DeleteDialog
          of="rules"
          item={rule}
          onClose={close}
          onDeleted={() => navigate("/rules")}
          obstacle={
            isUsed
              ? { title: t("rules.inUse", { name: rule.name }), about: <UsedBy policies={rule.used_by ?? []} /> }
              : undefined
          }
        />
      )}
    </>
  );
}

/** Routes are the accounts of a rule, in their order. */
function Routes({ rule: { routes } }: { rule: Rule }) {
  const { t } = useTranslation();
  if (!routes?.length) {
    return t("rules.theDefault");
  }
  return (
    <ol className="inline-list numbered">
      {routes.map(({ account, send_id }) => (
        <li key={account}>
          <Link to={`/accounts/${account}`}>{account}</Link> {send_id && t("sends.from", { sender: send_id })}
        </li>
      ))}
    </ol>
  );
}

function Facts({ rule }: { rule: Rule }) {
  const { t, i18n } = useTranslation();
  const facts = [
    { label: t("rules.type"), children: t(`rules.types.${rule.type}`) },
    { label: t("rules.wait"), children: waitText(rule, t) },
    { label: t("rules.sendID"), children: rule.send_id },
    { label: t("rules.routes.label"), children: <Routes rule={rule} /> },
    { label: t("rules.countries"), children: countriesText(rule, t, i18n.language) },
  ];
  return <FactsCard item={rule} before={facts} />;
}
