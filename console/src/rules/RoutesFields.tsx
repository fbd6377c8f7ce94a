// The SMS accounts of a rule, in the order in which they are tried.
import { useQuery } from "@tanstack/react-query";
import { Form, type FormListFieldData, Input, Select } from "antd";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { routesQuery } from "../api/queries";
import { SortableList } from "../ui/SortableList";
import { checkSendID, validator } from "./checks";
import { countriesText } from "./meaning";

type RouteInfo = Schemas["RouteInfo"];

const { routes, send_id } = constraints.RuleInput;

interface Props {
  name: string | (string | number)[]; // of the field
  id: string; // of the element that adds an account
  chosen: string[]; // the names of the accounts in the form
  sender: string; // the sender ID of the rule
}

/** RoutesFields are the fields "routes" of a rule. */
export function RoutesFields({ name, id, chosen, sender }: Props) {
  const { t, i18n } = useTranslation();
  const list = useQuery(routesQuery);
  const known = list.data?.items;
  return (
    <Form.Item label={t("rules.routes.label")} htmlFor={id} extra={t("rules.routes.means")} className="routes">
      <Form.List name={name}>
        {(fields, { add, remove, move }) => (
          <>
            <SortableList
              label={t("rules.routes.label")}
              items={fields.map((field) => {
                const account = chosen[field.name] ?? "";
                const about = known && aboutOf(known.find((route) => route.name === account));
                return {
                  id: `route-${field.key}`, // dnd-kit takes no 0
                  name: account,
                  content: <Route field={field} account={account} about={about} sender={sender} />,
                };
              })}
              onMove={move}
              onRemove={remove}
            />
            <Picker
              id={id}
              free={(known ?? []).filter((route) => !chosen.includes(route.name))}
              isLoading={list.isPending}
              isFull={fields.length >= routes.maxItems}
              onPick={(account) => add({ account })}
              standard={chosen.length === 0 ? known?.find((route) => route.default)?.name : undefined}
            />
          </>
        )}
      </Form.List>
    </Form.Item>
  );

  function aboutOf(route: RouteInfo | undefined): string {
    if (!route) {
      return t("rules.routes.notOffered");
    }
    const countries = route.countries?.length ? countriesText(route, t, i18n.language) : "";
    return [route.title, countries && t("rules.routes.onlyIn", { countries })].filter(Boolean).join(" · ");
  }
}

interface RouteProps {
  field: FormListFieldData;
  account: string;
  about: string | undefined; // undefined while the accounts load
  sender: string;
}

function Route({ field: { name }, account, about, sender }: RouteProps) {
  const { t } = useTranslation();
  return (
    <span className="route">
      <Form.Item name={[name, "account"]} className="grow">
        <AccountName about={about} />
      </Form.Item>
      <Form.Item
        name={[name, "send_id"]}
        rules={[validator((id: string | undefined) => (id ? checkSendID(id, t) : undefined))]}
      >
        <Input
          className="route-sender"
          autoComplete="off"
          maxLength={send_id.maxLength}
          aria-label={t("rules.routes.senderOf", { account })}
          placeholder={sender ? t("rules.routes.asTheRule", { sender }) : t("rules.sendID")}
        />
      </Form.Item>
    </span>
  );
}

/** AccountName shows the value of a field that cannot be changed. Errors appear below it. */
function AccountName({ value, about }: { value?: string; about: string | undefined }) {
  return (
    <>
      <strong>{value}</strong>
      <br />
      <small>{about}</small>
    </>
  );
}

interface PickerProps {
  id: string;
  free: RouteInfo[];
  isLoading: boolean;
  isFull: boolean;
  onPick: (account: string) => void;
  standard: string | undefined; // the account that sends if none is chosen
}

function Picker({ id, free, isLoading, isFull, onPick, standard }: PickerProps) {
  const { t } = useTranslation();
  const empty = standard ? t("accounts.defaultNamed", { name: standard }) : t("rules.routes.add");
  return (
    <Select<string, { value: string; label: string; about: string }>
      id={id}
      className="grow"
      showSearch
      value={null as unknown as string}
      disabled={isFull}
      loading={isLoading}
      placeholder={isFull ? t("rules.routes.full", { most: routes.maxItems }) : empty}
      notFoundContent={t("rules.routes.noneLeft")}
      options={free.map(({ name, title }) => ({ value: name, label: name, about: title }))}
      optionRender={({ label, data }) => (
        <>
          {label}
          <small className="option-about">{data.about}</small>
        </>
      )}
      onSelect={(name: string) => onPick(name)}
    />
  );
}
