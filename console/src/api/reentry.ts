// If a session has ended, the server refuses a request before it does anything. Such a request waits for the new sign-in. Then it
// is sent again, and the action of the user goes on by itself.
type Wait = { resume: () => void; cancel: () => void };

export class Reentry {
  private waits = new Set<Wait>();
  private onEnd: () => void = () => {};

  /** listen sets the function that is called if a request finds that the session has ended. */
  listen(onEnd: () => void): void {
    this.onEnd = onEnd;
  }

  /** wait returns true after the next sign-in, and false if the user has signed out. It fails if the signal aborts. */
  wait(signal: AbortSignal): Promise<boolean> {
    return new Promise<boolean>((resolve, reject) => {
      const end = () => {
        this.waits.delete(wait);
        signal.removeEventListener("abort", abort);
      };
      const settle = (isSignedIn: boolean) => () => {
        end();
        resolve(isSignedIn);
      };
      const wait = { resume: settle(true), cancel: settle(false) };
      const abort = () => {
        end();
        reject(signal.reason);
      };
      signal.addEventListener("abort", abort);
      this.waits.add(wait);
      this.onEnd();
    });
  }

  /** resume sends the waiting requests again. */
  resume(): void {
    for (const wait of [...this.waits]) {
      wait.resume();
    }
  }

  /** cancel ends the waiting requests with the server's refusal. */
  cancel(): void {
    for (const wait of [...this.waits]) {
      wait.cancel();
    }
  }
}

/** reentry is that of the API's client. */
export const reentry = new Reentry();
