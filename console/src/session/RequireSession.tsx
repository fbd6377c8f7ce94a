import { useQuery } from "@tanstack/react-query";
import { Spin } from "antd";
import type { ReactNode } from "react";
import { ProblemError, type Session } from "../api/client";
import { sessionQuery } from "../api/queries";
import { ProblemResult } from "../ui/ProblemView";
import { SignIn } from "./SignIn";

/** RequireSession shows its children if there is a session, and otherwise the sign-in form. */
export function RequireSession({ children }: { children: (session: Session) => ReactNode }) {
  const session = useQuery(sessionQuery);
  if (session.error instanceof ProblemError && session.error.is("unauthorized")) {
    return <SignIn />;
  }
  if (session.data) {
    return children(session.data);
  }
  if (session.error) {
    return <ProblemResult error={session.error} retry={() => session.refetch()} />;
  }
  return <Spin className="page-spin" />;
}
