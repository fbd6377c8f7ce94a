import { useQuery } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { ProblemError, type Session } from "../api/client";
import { sessionQuery } from "../api/queries";
import { reentry } from "../api/reentry";
import { loadWords } from "../i18n";
import { ShellSkeleton } from "../ui/Skeleton";

const ProblemResult = lazy(() => import("../ui/ProblemResult").then((file) => ({ default: file.ProblemResult })));
const signIn = () => Promise.all([import("./SignIn"), loadWords()]);
const SignIn = lazy(() => signIn().then(([file]) => ({ default: file.SignIn })));
const SignInDialog = lazy(() => signIn().then(([file]) => ({ default: file.SignInDialog })));

/**
 * RequireSession shows its children if there is a session, and otherwise the sign-in form. If the session ends later, the children
 * stay, with their open dialogs and what was typed, below a dialog that asks to sign in again. Then the waiting requests go on.
 */
export function RequireSession({ children }: { children: (session: Session) => ReactNode }) {
  const session = useQuery(sessionQuery);
  const isSignedOut = session.error instanceof ProblemError && session.error.is("unauthorized");
  const [hasEnded, setHasEnded] = useState(false); // at least once: then the dialog stays, to give the focus back
  if (isSignedOut && session.data && !hasEnded) {
    setHasEnded(true);
  }
  const { dataUpdatedAt, errorUpdatedAt } = session;
  // biome-ignore lint/correctness/useExhaustiveDependencies: after each answer about the session
  useEffect(() => {
    if (!isSignedOut) {
      reentry.resume();
    }
  }, [isSignedOut, dataUpdatedAt, errorUpdatedAt]);
  if (session.data) {
    return (
      <>
        {children(session.data)}
        {hasEnded && (
          <Suspense>
            <SignInDialog open={isSignedOut} />
          </Suspense>
        )}
      </>
    );
  }
  if (!session.error) {
    return <ShellSkeleton />;
  }
  return (
    <Suspense fallback={<ShellSkeleton />}>
      {isSignedOut ? <SignIn /> : <ProblemResult error={session.error} retry={() => session.refetch()} />}
    </Suspense>
  );
}
