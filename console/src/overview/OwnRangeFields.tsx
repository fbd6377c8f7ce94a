// The fields of a range of the reader's own. The page loads this file after its numbers, because the calendar is large.
import { DatePicker } from "antd";
import dayjs from "dayjs";
import { useTranslation } from "react-i18next";
import { serverNow } from "../api/client";
import type { OwnRange, Range } from "./range";
import { SinceField } from "./SinceField";

const day = 86_400_000; // ms

interface Props {
  own: OwnRange | undefined;
  range: Range;
  onOwn: (own: OwnRange | undefined) => void;
}

export default function OwnRangeFields({ own, range, onOwn }: Props) {
  const { t } = useTranslation();
  const isSince = own !== undefined && own.until === undefined && serverNow() - Date.parse(own.from) < day;
  const at = (value: string | undefined) => (value && Number.isFinite(Date.parse(value)) ? dayjs(value) : null);
  return (
    <span className="own-range">
      <SinceField
        applied={isSince ? (at(own.from)?.format("HH:mm") ?? "") : ""}
        choice={`${own?.from} ${own?.until} ${range}`}
        onSince={(from) => onOwn(from && { from: from.toISOString() })}
      />
      <DatePicker.RangePicker
        showTime={{ format: "HH:mm" }}
        format="YYYY-MM-DD HH:mm"
        allowEmpty={[false, true]}
        placeholder={[t("overview.from"), t("overview.now")]}
        aria-label={t("overview.ranges.own")}
        value={[at(own?.from), at(own?.until)]}
        onChange={(chosen) => {
          const [from, until] = chosen ?? [];
          onOwn(from ? { from: from.toISOString(), ...(until ? { until: until.toISOString() } : {}) } : undefined);
        }}
      />
    </span>
  );
}
