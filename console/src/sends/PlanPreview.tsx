// The preview of a new send: the API returns the plan and the warnings for the current values of the form.
import { useQuery } from "@tanstack/react-query";
import { Alert } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { answered, api, ProblemError, type SendInput } from "../api/client";
import { PolicyPicture } from "../policies/PolicyPicture";
import { policyName } from "../policies/policyName";
import { bareNumber, checkRecipient } from "../rules/checks";
import { countryName } from "../rules/countries";
import { ProblemAlert } from "../ui/ProblemView";
import { warningText } from "../ui/problemTexts";
import { zonedTime } from "../ui/time";
import { previewInput } from "./draft";
import { ExclusivityLine } from "./ExclusivityLine";

const pause = 350; // ms without a change, before the form is sent to the API

/** usePreview asks the API for the preview of a send, once it has a policy and a recipient. */
export function usePreview(send: SendInput | undefined) {
  const input = send && previewInput(send);
  const body = input ? JSON.stringify(input) : "";
  const [settled, setSettled] = useState(body);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(body), pause);
    return () => clearTimeout(timer);
  }, [body]);
  return useQuery({
    queryKey: ["preview", settled],
    queryFn: ({ signal }) =>
      answered(api.POST("/v1/sends/preview", { body: JSON.parse(settled) as SendInput, signal })),
    enabled: settled !== "",
    placeholderData: (previous) => (settled === "" ? undefined : previous),
  });
}

/** PlanPreview shows the rules that the send would follow, and the warnings of the API. */
export function PlanPreview({ preview, to }: { preview: ReturnType<typeof usePreview>; to: string }) {
  const { t, i18n } = useTranslation();
  if (preview.failureReason instanceof ProblemError) {
    return <ProblemAlert error={preview.failureReason} />;
  }
  if (!preview.data) {
    const number = bareNumber(to);
    return <p className="hint">{(number && checkRecipient(number, t)) || t("newSend.planLater")}</p>;
  }
  const { plan, country, send_at, warnings } = preview.data;
  return (
    <div aria-live="polite">
      <p>
        <strong>{policyName(plan, t)}</strong>
        {country && <> · {countryName(country, i18n.language)}</>}
      </p>
      {send_at && <p>{t("newSend.starts", { time: zonedTime(send_at, i18n.language) })}</p>}
      <PolicyPicture rules={plan.rules} />
      <ExclusivityLine exclusivity={plan.exclusivity} />
      {warnings?.map((warning) => (
        <Alert
          key={warning.code}
          className="problem"
          type="warning"
          showIcon
          title={t(`newSend.warnings.${warning.code}`)}
          description={warningText(warning, t, i18n.language)}
        />
      ))}
    </div>
  );
}
