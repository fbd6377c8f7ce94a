import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { lazyLater } from "../useFirstData";
import { type OwnRange, type Range, ranges } from "./range";

const OwnRangeFields = lazyLater(() => import("./OwnRangeFields"));

interface Props {
  range: Range;
  own: OwnRange | undefined;
  onChange: (range: Range) => void;
  onOwn: (own: OwnRange | undefined) => void;
}

/** RangeChoice chooses one of the ranges that end now, or a range of the reader's own. It looks like antd's Segmented, in few bytes. */
export function RangeChoice({ range, own, onChange, onOwn }: Props) {
  const { t } = useTranslation();
  return (
    <>
      <fieldset className="choice" aria-label={t("overview.range")}>
        {[...(Object.keys(ranges) as Range[]), ...(own ? (["own"] as const) : [])].map((value) => (
          <label key={value}>
            <input
              type="radio"
              name="range"
              checked={value === (own ? "own" : range)}
              onChange={() => value !== "own" && onChange(value)}
            />
            {t(`overview.ranges.${value}`)}
          </label>
        ))}
      </fieldset>
      <Suspense fallback={<span className="own-range" />}>
        <OwnRangeFields own={own} range={range} onOwn={onOwn} />
      </Suspense>
    </>
  );
}
