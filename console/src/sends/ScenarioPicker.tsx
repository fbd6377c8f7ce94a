import { Card, Select } from "antd";
import { useTranslation } from "react-i18next";
import type { Scenario } from "../api/client";
import { useScenarioWords } from "./scenarios";

interface Props {
  scenarios: Scenario[];
  value: string | undefined; // digits
  onPick: (scenario: Scenario) => void;
}

/** ScenarioPicker chooses what the simulated providers do with a test send. */
export function ScenarioPicker({ scenarios, value, onPick }: Props) {
  const { t } = useTranslation();
  const wordsOf = useScenarioWords();
  const picked = scenarios.find(({ digits }) => digits === value);
  const options = scenarios.map((scenario) => {
    const { name, whatsapp, sms } = wordsOf(scenario);
    return { value: scenario.digits, label: `${scenario.digits} · ${name}`, about: { whatsapp, sms } };
  });
  return (
    <Card size="small" title={<h2>{t("newSend.test")}</h2>} className="scenario-card">
      <p className="hint">{t("newSend.testMeans")}</p>
      <Select
        showSearch={{
          filterOption: (text, option) =>
            `${option?.label} ${option?.about.whatsapp} ${option?.about.sms}`
              .toLowerCase()
              .includes(text.toLowerCase()),
        }}
        aria-label={t("newSend.scenario")}
        placeholder={t("newSend.pickScenario")}
        value={value ?? null}
        onChange={(digits) => {
          const scenario = scenarios.find((one) => one.digits === digits);
          if (scenario) {
            onPick(scenario);
          }
        }}
        options={options}
        optionRender={({ data }) => (
          <>
            {data.label}
            <ScenarioMeaning {...data.about} />
          </>
        )}
      />
      {picked && <ScenarioMeaning {...wordsOf(picked)} />}
    </Card>
  );
}

function ScenarioMeaning({ whatsapp, sms }: { whatsapp: string; sms: string }) {
  const { t } = useTranslation();
  return (
    <small className="scenario-meaning">
      {t("channel.whatsapp")}: {whatsapp} · {t("channel.sms")}: {sms}
    </small>
  );
}
