// The errors of the API. Its texts name the field and the reason.
import { Alert, Button, Result } from "antd";
import { useTranslation } from "react-i18next";
import { ProblemError } from "../api/client";

function useTexts(error: unknown) {
  const { t } = useTranslation();
  const problem = error instanceof ProblemError ? error.problem : undefined;
  return {
    title: problem
      ? problem.detail
      : t(error instanceof ProblemError && error.hasTimedOut ? "problem.timedOut" : "problem.unreachable"),
    details: problem && (
      <>
        {problem.errors && problem.errors.length > 0 && (
          <ul className="problem-fields">
            {problem.errors.map((field) => (
              <li key={field.field}>
                <code>{field.field}</code> {field.reason}
              </li>
            ))}
          </ul>
        )}
        {problem.status >= 500 && (
          <small>
            {t("problem.request")} <code>{problem.request_id}</code>
          </small>
        )}
      </>
    ),
  };
}

/** ProblemAlert shows an error inside a page. */
export function ProblemAlert({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const { title, details } = useTexts(error);
  return (
    <Alert
      className="problem"
      type="error"
      showIcon
      role="alert"
      title={title}
      description={details}
      action={retry && <Button onClick={retry}>{t("problem.retry")}</Button>}
    />
  );
}

/** ProblemResult shows an error in the place of a whole page. */
export function ProblemResult({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const { title, details } = useTexts(error);
  const missing = error instanceof ProblemError && error.is("not_found");
  return (
    <Result
      status={missing ? "404" : "warning"}
      title={<h1>{title}</h1>}
      subTitle={details}
      extra={retry && !missing && <Button onClick={retry}>{t("problem.retry")}</Button>}
    />
  );
}
