import { DatePicker, Form } from "antd";
import dayjs, { type Dayjs } from "dayjs";
import type { KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { zone, zonedTime } from "../ui/time";
import { daysAhead } from "./schedule";

/** keepForm keeps the Enter that takes a written time from sending the form. */
export function keepForm(event: KeyboardEvent) {
  if (event.key === "Enter") {
    event.preventDefault();
  }
}

/** SendAtField chooses when a new send starts, in the reader's time zone. The text below has the offset at that time. */
export function SendAtField() {
  const { t, i18n } = useTranslation();
  const chosen = Form.useWatch<Dayjs | null | undefined>("send_at");
  const means = chosen
    ? t("newSend.sendAtChosen", { time: zonedTime(chosen.valueOf(), i18n.language) })
    : t("newSend.sendAtMeans", { zone: zone(i18n.language) });
  return (
    <Form.Item name="send_at" label={t("sends.sendAt")} extra={means}>
      <DatePicker
        showTime={{ format: "HH:mm" }}
        format="YYYY-MM-DD HH:mm"
        minDate={dayjs().startOf("day")}
        maxDate={dayjs().add(daysAhead, "day")}
        placeholder={t("newSend.atOnce")}
        onKeyDown={keepForm}
      />
    </Form.Item>
  );
}
