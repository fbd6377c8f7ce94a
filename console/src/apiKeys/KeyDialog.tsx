import { Form } from "antd";
import { useTranslation } from "react-i18next";
import { answered, api, ifMatch, type Schemas } from "../api/client";
import type { KeyItem } from "../api/queries";
import { EditDialog } from "../ui/EditDialog";
import { time } from "../ui/time";
import { useEdit } from "../ui/useEdit";
import { type Body, bodyOf, type Draft, draftOf, fieldOf, inputOf, patchOf } from "./draft";
import { KeyFields } from "./KeyFields";
import { usePolicyNames } from "./PoliciesSelect";

type Saved = KeyItem & { secret?: string }; // of a new key

interface Props {
  item: KeyItem | undefined; // undefined to create one
  onCreated: (created: Schemas["NewKey"]) => void;
  onClose: () => void;
}

/** KeyDialog creates or edits an API key. */
export function KeyDialog({ item, onCreated, onClose }: Props) {
  const { t, i18n } = useTranslation();
  const [form] = Form.useForm<Draft>();
  const edit = useEdit<Saved, Draft, Body>({
    of: "keys",
    item,
    form,
    read: (id) => answered(api.GET("/v1/keys/{id}", { params: { path: { id } } })),
    write: async (body, base) => {
      if (base) {
        const params = { path: { id: base.id }, header: ifMatch(base.version) };
        return answered(api.PATCH("/v1/keys/{id}", { params, body: patchOf(body, base) }));
      }
      const { key, secret } = await answered(api.POST("/v1/keys", { body: inputOf(body) }));
      return { ...key, secret };
    },
    valuesOf: draftOf,
    bodyOf,
    fieldOf,
    onSaved: ({ secret, ...key }) => {
      onClose();
      if (secret) {
        onCreated({ key, secret });
      }
    },
  });
  const nameOf = usePolicyNames([...new Set([...(item?.policies ?? []), ...(edit.theirs?.policies ?? [])])]);
  return (
    <EditDialog
      edit={edit}
      name="key"
      title={t(item ? "keys.edit" : "keys.add")}
      width={680}
      fields={[
        { name: "name", label: t("keys.name"), show: ({ name }) => name },
        { name: "scopes", label: t("keys.scopes"), show: (draft) => bodyOf(draft).scopes.join(", ") },
        {
          name: "policies",
          label: t("keys.policies"),
          show: ({ policies }) => policies.map(nameOf).join(", ") || t("keys.allPolicies"),
        },
        {
          name: "accounts",
          label: t("keys.accounts"),
          show: ({ accounts }) => accounts.join(", ") || t("keys.allAccounts"),
        },
        {
          name: "rate_limit",
          label: t("keys.rate"),
          show: ({ rate_limit }) => String(rate_limit || t("accounts.noLimit")),
        },
        {
          name: "expires_at",
          label: t("keys.expires"),
          show: ({ expires_at }) => (expires_at ? time(expires_at.valueOf(), i18n.language) : t("keys.never")),
        },
        { name: "callback_url", label: t("keys.callback"), show: ({ callback_url }) => callback_url ?? "" },
        {
          name: "callback_events",
          label: t("keys.events"),
          show: ({ callback_events }) => callback_events?.join(", ") || t("keys.allEvents"),
        },
      ]}
      onClose={onClose}
    >
      <KeyFields isNew={!item} />
    </EditDialog>
  );
}
