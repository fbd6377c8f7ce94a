// Starts the program for all tests: API, worker and simulated providers, on the databases that devstack started.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const patience = 60_000; // ms

export default async function start(): Promise<() => Promise<void>> {
  if (!process.env.BACKSTOP_DATABASE_URL || !process.env.BACKSTOP_API_KEY) {
    throw new Error("BACKSTOP_DATABASE_URL or BACKSTOP_API_KEY is not set: run the tests by `make e2e`");
  }
  const program = spawn(fileURLToPath(new URL("../../bin/backstop", import.meta.url)), ["dev"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, BACKSTOP_SANDBOX_SPEED: "2" }, // sent after 0.5 s, delivered after 1 s, read after 2.5 s
  });
  const ended = new Promise<void>((resolve) => program.once("exit", () => resolve()));
  process.env.CONSOLE_URL = await new Promise<string>((resolve, reject) => {
    let said = "";
    const timer = setTimeout(() => reject(new Error(`the program did not start:\n${said}`)), patience);
    program.once("exit", (code) => reject(new Error(`the program ended with ${code}:\n${said}`)));
    program.stdout.on("data", (data) => {
      said += data;
      process.env.SANDBOX_URL = /sandbox\s+(http\S+)\/messages/.exec(said)?.[1] ?? "";
      const url = /console\s+(http\S+\/console\/)/.exec(said)?.[1];
      if (url && said.includes("Then read the send")) {
        clearTimeout(timer);
        resolve(url);
      }
    });
  });
  return async () => {
    program.kill("SIGINT");
    await ended;
  };
}
