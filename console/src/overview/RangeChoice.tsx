import { Segmented } from "antd";
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

/** RangeChoice chooses one of the ranges that end now, or a range of the reader's own. */
export function RangeChoice({ range, own, onChange, onOwn }: Props) {
  const { t } = useTranslation();
  return (
    <>
      <Segmented<Range | "own">
        aria-label={t("overview.range")}
        value={own ? "own" : range}
        onChange={(value) => value !== "own" && onChange(value)}
        options={[
          ...(Object.keys(ranges) as Range[]).map((value) => ({ value, label: t(`overview.ranges.${value}`) })),
          ...(own ? [{ value: "own" as const, label: t("overview.ranges.own") }] : []),
        ]}
      />
      <Suspense fallback={<span className="own-range" />}>
        <OwnRangeFields own={own} onOwn={onOwn} />
      </Suspense>
    </>
  );
}
