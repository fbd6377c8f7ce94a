import { useQuery } from "@tanstack/react-query";
import { Spin } from "antd";
import { Navigate, useParams } from "react-router";
import { policyQuery } from "../api/queries";
import { ItemProblem } from "../ui/ItemProblem";

/** PolicyPage is the address of a policy: it shows the policy in the list. */
export default function PolicyPage() {
  const { id = "" } = useParams();
  const policy = useQuery(policyQuery(id));
  if (policy.data) {
    return <Navigate to={`/policies?search=${encodeURIComponent(policy.data.name)}`} replace />;
  }
  return policy.error ? (
    <ItemProblem of="policies" id={id} error={policy.error} retry={() => policy.refetch()} />
  ) : (
    <Spin className="page-spin" />
  );
}
