import { useQuery } from "@tanstack/react-query";
import { Spin } from "antd";
import { Navigate, useParams } from "react-router";
import { policyQuery } from "../api/queries";
import { ItemProblem } from "../ui/ItemProblem";
import { useOutage } from "../ui/outage";

/** PolicyPage is the address of a policy: it shows the policy in the list. */
export default function PolicyPage() {
  const { id = "" } = useParams();
  const policy = useQuery(policyQuery(id));
  const outage = useOutage(policy);
  if (policy.data) {
    return <Navigate to={`/policies?search=${encodeURIComponent(policy.data.name)}`} replace />;
  }
  return outage ? (
    <ItemProblem of="policies" id={id} error={outage.error} retry={outage.retry} />
  ) : (
    <Spin className="page-spin" />
  );
}
