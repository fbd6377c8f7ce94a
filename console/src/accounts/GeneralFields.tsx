// What an account has at each provider: what follows an unknown result, its limits, and its countries.
import { Form, InputNumber, Radio } from "antd";
import { type ReactNode, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Channel, Provider } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { CountriesInput } from "../rules/CountriesInput";

const { on_unknown, when_unhealthy, call_timeout_seconds, calls_per_second, calls_at_once } = constraints.AccountInput;
const leastPerSecond = calls_per_second.anyOf[1].minimum; // of a limit; 0 is none

export function GeneralFields({ provider, channel }: { provider: Provider; channel: Channel }) {
  const { t } = useTranslation();
  const typed = useRef(""); // in the field of the countries
  return (
    <>
      <Form.Item
        name="on_unknown"
        label={t("accounts.onUnknown.label")}
        extra={t(provider.refuses_repeats ? "accounts.onUnknown.refusesRepeats" : "accounts.onUnknown.means")}
      >
        <Radio.Group
          className="choices"
          options={on_unknown.enum.map((value) => ({ value, label: t(`accounts.onUnknown.${value}`) }))}
        />
      </Form.Item>
      {channel === "whatsapp" && (
        <Form.Item name="when_unhealthy" label={t("accounts.whenUnhealthy.label")}>
          <Radio.Group
            className="choices"
            options={when_unhealthy.enum.map((value) => ({ value, label: t(`accounts.whenUnhealthy.${value}`) }))}
          />
        </Form.Item>
      )}
      <div className="account-limits">
        <Limit
          name="call_timeout_seconds"
          bounds={call_timeout_seconds}
          placeholder="10"
          label={t("accounts.timeout")}
        />
        <Limit
          name="calls_per_second"
          bounds={calls_per_second}
          least={leastPerSecond}
          label={t("accounts.perSecond")}
          extra={t("accounts.perSecondMeans")}
        />
        <Limit
          name="calls_at_once"
          bounds={calls_at_once}
          label={t("accounts.atOnce")}
          extra={t("accounts.atOnceMeans")}
        />
      </div>
      <Form.Item
        name="countries"
        label={t("rules.countries")}
        extra={t("accounts.countriesMean")}
        validateTrigger="onSubmit"
        rules={[
          {
            validator: () =>
              typed.current
                ? Promise.reject(new Error(t("rules.countryTyped", { text: typed.current })))
                : Promise.resolve(),
          },
        ]}
      >
        <CountriesInput typed={typed} />
      </Form.Item>
    </>
  );
}

interface LimitProps {
  name: string;
  label: string;
  bounds: { minimum: number; maximum: number };
  least?: number; // of a value that is not 0
  placeholder?: string;
  extra?: ReactNode;
}

function Limit({ name, label, bounds: { minimum, maximum }, least = minimum, placeholder, extra }: LimitProps) {
  const { t } = useTranslation();
  return (
    <Form.Item
      name={name}
      label={label}
      extra={extra}
      rules={[
        {
          validator: (_, value?: number | null) =>
            value && value < least
              ? Promise.reject(new Error(t("problem.fields.value_min", { min: least })))
              : Promise.resolve(),
        },
      ]}
    >
      <InputNumber
        className="limit"
        min={minimum}
        max={maximum}
        {...(name === "calls_per_second" ? {} : { precision: 0 })}
        placeholder={placeholder ?? t("accounts.noLimit")}
      />
    </Form.Item>
  );
}
