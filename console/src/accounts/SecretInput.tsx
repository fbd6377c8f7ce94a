import { Checkbox, Input } from "antd";
import type { ClipboardEvent } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  id?: string; // from Form.Item
  value?: string | null | undefined; // null removes the stored secret
  onChange?: (value: string | null | undefined) => void;
  isStored: boolean; // the account has a value, which is never shown
  mayRemove: boolean;
}

/** SecretInput takes a new secret. Without one, the stored secret stays. A secret of several lines, such as a key, is pasted. */
export function SecretInput({ id, value, onChange, isStored, mayRemove }: Props) {
  const { t } = useTranslation();
  const shared = {
    ...(id ? { id } : {}),
    value: value ?? "",
    placeholder: isStored ? t("accounts.secretStored") : "",
    disabled: value === null,
    autoComplete: "new-password", // a manager of passwords must not fill it in
    spellCheck: false,
  };
  const paste = (event: ClipboardEvent) => {
    const text = event.clipboardData.getData("text");
    if (/[\r\n]/.test(text.trim())) {
      event.preventDefault(); // a field of one line would join the lines
      onChange?.(text);
    }
  };
  return (
    <>
      {value && /[\r\n]/.test(value) ? (
        <Input.TextArea
          {...shared}
          className="code"
          rows={4}
          autoFocus // it replaces the field that had the focus
          onChange={({ target }) => onChange?.(target.value || undefined)}
        />
      ) : (
        <Input.Password {...shared} onPaste={paste} onChange={({ target }) => onChange?.(target.value || undefined)} />
      )}
      {isStored && mayRemove && (
        <Checkbox checked={value === null} onChange={({ target }) => onChange?.(target.checked ? null : undefined)}>
          {t("accounts.removeSecret")}
        </Checkbox>
      )}
    </>
  );
}
