import { Alert } from "antd";
import { useTranslation } from "react-i18next";
import type { Provider, Schemas } from "../api/client";
import type { AccountItem } from "../api/queries";
import { Advice, Cause, Log } from "../sends/Cause";
import { explain, providerName } from "../sends/explanation";

interface Props {
  tested: Schemas["AccountTest"];
  account: AccountItem;
  provider: Provider | undefined;
}

const severity = { accepted: "success", refused: "error", unknown: "warning" } as const;

/** TestResult says what the provider answered to a test, and what that means. */
export function TestResult({ tested, account, provider }: Props) {
  const { t, i18n } = useTranslation();
  const { result, error, message_id, segments, took_ms } = tested;
  const name = providerName(account.provider, provider ? [provider] : []);
  return (
    <Alert
      type={severity[result]}
      showIcon
      role={result === "accepted" ? "status" : "alert"}
      title={t(`accounts.tested.${error?.kind ?? "accepted"}`, { provider: name })}
      description={
        <>
          <div>{t(`accounts.testedMeans.${result}`)}</div>
          {error && <Why error={error} account={account} provider={provider} />}
          {message_id && (
            <div>
              {t("accounts.testID")} <code className="break">{message_id}</code>
            </div>
          )}
          <small>
            {t("sends.segments", { count: segments })} ·{" "}
            {t("accounts.testTook", { took: took_ms.toLocaleString(i18n.language) })}
          </small>
        </>
      }
    />
  );
}

/** Why explains a failure by the table that came with it. */
function Why({ error, account, provider }: Omit<Props, "tested"> & { error: Schemas["AccountTestError"] }) {
  const { t, i18n } = useTranslation();
  const { code = "", explained } = error;
  const explanation = explain(error, account.provider, {
    t,
    language: i18n.language,
    codes: explained ? [{ provider: account.provider, code, explained }] : [],
    providers: provider ? [provider] : [],
    hasSeveralAccounts: false,
  });
  return (
    <>
      <Cause explanation={explanation} />
      <Advice explanation={explanation} />
      {explanation.log && <Log text={explanation.log} />}
    </>
  );
}
