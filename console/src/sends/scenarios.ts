// The scenarios of the simulated providers, which the API lists: the recipient's last two digits choose one.
import { useTranslation } from "react-i18next";
import type { Scenario } from "../api/client";

/** useScenarioWords returns a function that gives the texts of a scenario; in the API's English if there are no others. */
export function useScenarioWords(): (scenario: Scenario) => Pick<Scenario, "name" | "whatsapp" | "sms"> {
  const { i18n } = useTranslation();
  return (scenario) => {
    const words: unknown = i18n.getResource(i18n.language, "translation", `scenarios.${scenario.digits}`);
    const [name, whatsapp, sms] = typeof words === "string" ? words.split(" | ") : [];
    return { name: name || scenario.name, whatsapp: whatsapp ?? scenario.whatsapp, sms: sms ?? scenario.sms };
  };
}

/** testRecipient returns a number of a scenario. It is new each time: some faults of the sandbox happen once for a number. */
export function testRecipient({ digits }: Scenario): string {
  const middle = String(Math.floor(Math.random() * 10_000)).padStart(4, "0");
  return `+447400${middle}${digits}`;
}
