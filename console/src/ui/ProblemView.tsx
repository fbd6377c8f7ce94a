// The errors of the API. Its texts name the field and the reason.
import { Alert } from "antd";
import { useTranslation } from "react-i18next";
import { ProblemError } from "../api/client";
import { fieldText } from "./problemTexts";

/** isRefusal reports whether the API refuses a request: it will refuse the same request again. */
export function isRefusal(error: unknown): boolean {
  const status = (error instanceof ProblemError && error.problem?.status) || 0;
  return status >= 400 && status < 500 && status !== 429;
}

/** useTexts returns the texts of an error for the user. */
export function useTexts(error: unknown) {
  const { t } = useTranslation();
  const problem = error instanceof ProblemError ? error.problem : undefined;
  return {
    title: problem
      ? t(`problem.codes.${problem.code}`, { defaultValue: problem.detail })
      : t(error instanceof ProblemError && error.hasTimedOut ? "problem.timedOut" : "problem.unreachable"),
    details: problem && (
      <>
        {problem.errors && problem.errors.length > 0 ? (
          <ul className="problem-fields">
            {problem.errors.map((field) => (
              <li key={field.field}>
                <code>{field.field}</code> {fieldText(field, t)}
              </li>
            ))}
          </ul>
        ) : (
          <p lang="en">{problem.detail}</p>
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

/** ProblemAlert shows an error inside a page. The end of the session has a dialog of its own. */
export function ProblemAlert({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const { title, details } = useTexts(error);
  if (error instanceof ProblemError && error.is("unauthorized")) {
    return null;
  }
  return (
    <Alert
      className="problem"
      type="error"
      showIcon
      role="alert"
      title={title}
      description={details}
      action={
        retry &&
        !isRefusal(error) && (
          <button type="button" className="button" onClick={retry}>
            {t("problem.retry")}
          </button>
        )
      }
    />
  );
}
