import { Tooltip } from "antd";
import { Link } from "react-router";
import type { Schemas } from "../api/client";
import { type Explanation, explain } from "../sends/explanation";
import { useReader } from "../sends/useReader";

export type Explain = (provider: string, code: string, known?: Schemas["FailureClass"]) => Explanation;

/** useExplain returns a function that explains a code of a provider, or else its class. */
export function useExplain(): Explain {
  const reader = useReader();
  return (provider, code, known) => explain({ kind: "rejected", code, class: known }, provider, reader);
}

interface Props {
  code: string;
  to: string;
  explanation: Explanation;
}

/** ErrorCode shows a code as a link, with its cause. Its tooltip says what to do. */
export function ErrorCode({ code, to, explanation: { label, cause, action } }: Props) {
  return (
    <>
      <Tooltip title={`${label}. ${cause} ${action}`}>
        <Link to={to} className="code">
          {code}
        </Link>
      </Tooltip>
      {cause && <small className="cause">{cause}</small>}
    </>
  );
}
