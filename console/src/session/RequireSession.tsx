import { useQuery } from "@tanstack/react-query";
import { Spin } from "antd";
import type { ReactNode } from "react";
import { ProblemError, type Session } from "../api/client";
import { sessionQuery } from "../api/queries";
import { ProblemResult } from "../ui/ProblemView";
import { SignIn, SignInDialog } from "./SignIn";

/**
 * RequireSession shows its children if there is a session, and otherwise the sign-in form. If the session ends later, the children
 * stay, with their open dialogs and what was typed, below a dialog that asks to sign in again.
 */
export function RequireSession({ children }: { children: (session: Session) => ReactNode }) {
  const session = useQuery(sessionQuery);
  const isSignedOut = session.error instanceof ProblemError && session.error.is("unauthorized");
  if (session.data) {
    return (
      <>
        {children(session.data)}
        <SignInDialog open={isSignedOut} />
      </>
    );
  }
  if (isSignedOut) {
    return <SignIn />;
  }
  if (session.error) {
    return <ProblemResult error={session.error} retry={() => session.refetch()} />;
  }
  return <Spin className="page-spin" />;
}
