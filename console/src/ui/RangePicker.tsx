import { DatePicker } from "antd";
import dayjs from "dayjs";

interface Props {
  from: string | undefined; // in the form of toISOString; a text that is no time counts as none
  until: string | undefined;
  mayLackFrom: boolean; // the end may always be open
  label: string;
  placeholder: [string, string];
  onChange: (from: string | undefined, until: string | undefined) => void;
}

/** dayOf returns a time as the pickers want it, or null if there is none. */
export function dayOf(value: string | undefined) {
  return value && Number.isFinite(Date.parse(value)) ? dayjs(value) : null;
}

/** RangePicker chooses a range of time to the minute. */
export function RangePicker({ from, until, mayLackFrom, label, placeholder, onChange }: Props) {
  return (
    <DatePicker.RangePicker
      showTime={{ format: "HH:mm" }}
      format="YYYY-MM-DD HH:mm"
      allowEmpty={[mayLackFrom, true]}
      placeholder={placeholder}
      aria-label={label}
      value={[dayOf(from), dayOf(until)]}
      onChange={(chosen) => onChange(chosen?.[0]?.toISOString(), chosen?.[1]?.toISOString())}
    />
  );
}
