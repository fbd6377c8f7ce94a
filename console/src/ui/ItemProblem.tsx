import { Result } from "antd";
import { useTranslation } from "react-i18next";
import { ButtonLink } from "./ButtonLink";
import { ProblemResult } from "./ProblemResult";
import { isRefusal } from "./ProblemView";

interface Props {
  of: "sends" | "rules" | "policies" | "accounts" | "messages";
  id: string; // from the address of the page
  error: unknown;
  retry: () => void;
}

/** ItemProblem shows, in the place of an item's page, that no item has its id, or why the item could not be loaded. */
export function ItemProblem({ of, id, error, retry }: Props) {
  const { t } = useTranslation();
  if (!isRefusal(error)) {
    return <ProblemResult error={error} retry={retry} />;
  }
  // The API refuses an id that is no UUID with a 400.
  return (
    <Result
      status="404"
      title={<h1>{t(`${of}.noSuch`)}</h1>}
      subTitle={<code className="break">{id}</code>}
      extra={
        <ButtonLink to={`/${of}`} type="primary">
          {t(`${of}.title`)}
        </ButtonLink>
      }
    />
  );
}
