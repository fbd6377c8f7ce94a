import { Input } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { serverNow } from "../api/client";
import { lastTimeOfDay, parseTimeOfDay } from "./range";

interface Props {
  applied: string; // the time of day that the range begins at, or empty
  choice: string; // the chosen range: another one discards what is written here
  onSince: (from: Date | undefined) => void;
}

interface Draft {
  text: string;
  choice: string;
  isRefused: boolean;
}

/** SinceField is a field for a time of day. Enter and a change of focus apply it; text that is no time of day gets an error. */
export function SinceField({ applied, choice, onSince }: Props) {
  const { t } = useTranslation();
  const problemID = useId();
  const [written, setDraft] = useState<Draft>();
  const draft = written?.choice === choice ? written : undefined;
  const isRefused = draft?.isRefused ?? false;
  const apply = () => {
    if (!draft) {
      return;
    }
    const time = parseTimeOfDay(draft.text);
    const isEmpty = draft.text.trim() === "";
    setDraft(time || isEmpty ? undefined : { ...draft, isRefused: true });
    if (time) {
      onSince(lastTimeOfDay(time.hour, time.minute, serverNow()));
    } else if (isEmpty && applied) {
      onSince(undefined);
    }
  };
  return (
    <span className="since">
      <Input
        prefix={t("overview.since")}
        aria-label={t("overview.since")}
        placeholder="10:00"
        allowClear
        autoComplete="off"
        value={draft?.text ?? applied}
        {...(isRefused && { status: "error", "aria-invalid": true, "aria-describedby": problemID })}
        onChange={({ target }) => setDraft({ text: target.value, choice, isRefused: false })}
        onPressEnter={apply}
        onBlur={apply}
      />
      <small id={problemID} role="status" className="refusal">
        {isRefused && t("overview.notATime")}
      </small>
    </span>
  );
}
