import { useMutation } from "@tanstack/react-query";
import { Alert } from "antd";
import { useTranslation } from "react-i18next";
import { answered, api, type Provider, type Schemas } from "../api/client";
import { ProblemAlert } from "../ui/ProblemView";
import { fieldText } from "../ui/problemTexts";
import { settingLabel } from "./fields";

export type Check = ReturnType<typeof useCheck>;

/** useCheck asks the provider, on demand, whether an account works. */
export function useCheck(name: string) {
  return useMutation({
    mutationFn: () => answered(api.POST("/v1/accounts/{name}/check", { params: { path: { name } } })),
  });
}

const severity = { works: "success", refused: "error", unreachable: "warning", not_checkable: "info" } as const;

/** CheckResult says what the newest check of an account has found. */
export function CheckResult({ check, provider }: { check: Check; provider: Provider | undefined }) {
  const { t } = useTranslation();
  if (check.error) {
    return <ProblemAlert error={check.error} />;
  }
  if (!check.data) {
    return null;
  }
  const { result, errors, reason } = check.data;
  return (
    <Alert
      key={check.submittedAt}
      className="problem"
      type={severity[result]}
      showIcon
      role={result === "works" ? "status" : "alert"}
      title={t(`accounts.check.${result}`, { provider: provider?.title ?? "" })}
      description={
        errors?.length ? <Refused errors={errors} provider={provider} /> : reason && <span lang="en">{reason}</span>
      }
      closable={{ onClose: () => check.reset(), "aria-label": t("accounts.dismiss") }}
    />
  );
}

function Refused({ errors, provider }: { errors: Schemas["FieldError"][]; provider: Provider | undefined }) {
  const { t, i18n } = useTranslation();
  return (
    <ul className="problem-fields">
      {errors.map((error) => (
        <li key={error.field}>
          <strong>{settingLabel(provider, error.field.replace(/^settings\./, ""), t, i18n.language)}</strong>{" "}
          {fieldText(error, t)}
        </li>
      ))}
    </ul>
  );
}
