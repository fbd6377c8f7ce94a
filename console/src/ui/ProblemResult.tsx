import { Button, Result } from "antd";
import { useTranslation } from "react-i18next";
import { isRefusal, useTexts } from "./ProblemView";

/** ProblemResult shows an error in the place of a whole page. */
export function ProblemResult({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const { title, details } = useTexts(error);
  return (
    <Result
      status="warning"
      title={<h1>{title}</h1>}
      subTitle={details}
      extra={retry && !isRefusal(error) && <Button onClick={retry}>{t("problem.retry")}</Button>}
    />
  );
}
