import { useQuery } from "@tanstack/react-query";
import { Spin } from "antd";
import { Navigate, useParams } from "react-router";
import { ruleQuery } from "../api/queries";
import { ItemProblem } from "../ui/ItemProblem";
import { useOutage } from "../ui/outage";

/** RulePage is the address of a rule: it shows the rule in the list. */
export default function RulePage() {
  const { id = "" } = useParams();
  const rule = useQuery(ruleQuery(id));
  const outage = useOutage(rule);
  if (rule.data) {
    return <Navigate to={`/rules?search=${encodeURIComponent(rule.data.name)}`} replace />;
  }
  return outage ? (
    <ItemProblem of="rules" id={id} error={outage.error} retry={outage.retry} />
  ) : (
    <Spin className="page-spin" />
  );
}
