// The fields of a range of the reader's own. The page loads this file after its numbers, because the calendar is large.
import { useTranslation } from "react-i18next";
import { serverNow } from "../api/client";
import { dayOf, RangePicker } from "../ui/RangePicker";
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
  return (
    <span className="own-range">
      <SinceField
        applied={isSince ? (dayOf(own.from)?.format("HH:mm") ?? "") : ""}
        choice={`${own?.from} ${own?.until} ${range}`}
        onSince={(from) => onOwn(from && { from: from.toISOString() })}
      />
      <RangePicker
        from={own?.from}
        until={own?.until}
        mayLackFrom={false}
        label={t("overview.ranges.own")}
        placeholder={[t("overview.from"), t("overview.now")]}
        onChange={(from, until) => onOwn(from === undefined ? undefined : { from, ...(until && { until }) })}
      />
    </span>
  );
}
