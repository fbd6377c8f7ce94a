import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { policiesQuery, rulesQuery, sendsQuery, sessionQuery } from "../api/queries";
import { ButtonLink } from "../ui/ButtonLink";
import { CheckOutlined } from "../ui/icons";

type StepName = "rule" | "policy" | "send";

/** useSteps returns the steps to a first send, and which of them are done. It is undefined until the API has answered. */
export function useSteps(): { name: StepName; isDone: boolean; to: string }[] | undefined {
  const rules = useQuery(rulesQuery({ limit: 1 }));
  const policies = useQuery(policiesQuery({ limit: 1 }));
  const sends = useQuery(sendsQuery({ limit: 1 }));
  const session = useQuery(sessionQuery);
  if (!rules.data || !policies.data || !sends.data) {
    return undefined;
  }
  const newSend = session.data?.sandbox ? "/sends/new?scenario=04" : "/sends/new";
  const hasSends = sends.data.items.length > 0;
  return [
    { name: "rule", isDone: rules.data.items.length > 0, to: "/rules" },
    { name: "policy", isDone: policies.data.items.length > 0, to: "/policies" },
    { name: "send", isDone: hasSends, to: newSend },
  ];
}

/** FirstSteps leads to a first send in three steps, each with a tick once it is done. */
export function FirstSteps() {
  const { t } = useTranslation();
  const steps = useSteps() ?? [];
  const session = useQuery(sessionQuery);
  const isSandbox = session.data?.sandbox ?? false;
  const next = steps.find(({ isDone }) => !isDone)?.name ?? "send";
  return (
    <ol className="first-steps">
      {steps.map(({ name, isDone, to }, index) => (
        <li key={name} className={isDone ? "done" : ""}>
          <span className="first-steps-mark" aria-hidden="true">
            {isDone ? <CheckOutlined /> : index + 1}
          </span>
          <div className="grow">
            <h2>
              {t(`start.${name}`)}
              {isDone && <span className="visually-hidden"> ({t("start.done")})</span>}
            </h2>
            <p>{t(name === "send" && isSandbox ? "start.sendTestMeans" : `start.${name}Means`)}</p>
          </div>
          <ButtonLink to={to} {...(name === next ? { type: "primary" } : {})}>
            {t(name === "send" && isSandbox ? "start.sendTest" : `start.${name}Link`)}
          </ButtonLink>
        </li>
      ))}
    </ol>
  );
}
