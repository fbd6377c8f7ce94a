import { useQuery } from "@tanstack/react-query";
import { Tooltip } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "../api/client";
import { errorCodesQuery } from "../api/queries";

/** useExplanations returns a function that explains a code of a provider, if the API knows it. */
export function useExplanations(
  enabled: boolean,
): (provider: string, code: string) => Schemas["Explanation"] | undefined {
  const { i18n } = useTranslation();
  const { data } = useQuery({ ...errorCodesQuery, enabled });
  return (provider, code) => {
    const explained = data?.items.find((item) => item.provider === provider && item.code === code)?.explained;
    return explained?.[i18n.language] ?? explained?.en;
  };
}

interface Props {
  code: string;
  to: string;
  explanation: Schemas["Explanation"] | undefined;
  hasCause?: boolean; // whether the cause is shown beside the code
}

/** ErrorCode shows a code as a link. Its tooltip has the cause and what to do. */
export function ErrorCode({ code, to, explanation, hasCause }: Props) {
  return (
    <>
      <Tooltip title={explanation && `${explanation.cause} ${explanation.action}`}>
        <Link to={to} className="code">
          {code}
        </Link>
      </Tooltip>
      {hasCause && explanation && <small className="cause">{explanation.cause}</small>}
    </>
  );
}
