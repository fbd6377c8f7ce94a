import { useTranslation } from "react-i18next";
import { ArrowDownOutlined, ArrowUpOutlined } from "../ui/firstIcons";
import { judge, type Verdict } from "./shares";
import { useNumbers } from "./useNumbers";

const smallest = 0.0005; // what is not written as 0.0

interface Props {
  now: number | undefined;
  before: number | undefined;
  unit: "points" | "percent"; // points for rates
  rise: Verdict; // whether a rise is good
  texts?: { now: string; before: string }; // the numbers as they are written; without them the change is short
}

/** Change shows how a number differs from that of the range before. An arrow and a word say what the colour says. */
export function Change({ now, before, unit, rise, texts }: Props) {
  const { t } = useTranslation();
  const { rate, points } = useNumbers();
  if (now === undefined || before === undefined) {
    return <span className="change">{texts ? t("overview.change.nothingBefore") : "–"}</span>;
  }
  const difference = now - before;
  const share = before > 0 ? Math.abs(difference) / before : undefined; // a rise from zero has no share
  const amount = unit === "points" ? t("overview.change.points", { value: points(difference) }) : rate(share);
  const isSmall = Math.abs(unit === "points" ? difference : (share ?? difference)) < smallest;
  const isSame = isSmall || (texts !== undefined && texts.now === texts.before);
  const verdict = judge(isSame ? 0 : difference, rise);
  const Arrow = difference > 0 ? ArrowUpOutlined : ArrowDownOutlined;
  return (
    <span className={`change change-${verdict}`}>
      {isSame ? (
        <span>{t("overview.change.same")}</span>
      ) : (
        <span className="nowrap">
          <Arrow aria-label={t(difference > 0 ? "overview.change.up" : "overview.change.down")} />{" "}
          {(unit === "points" || share !== undefined) && amount}
          {texts && verdict !== "neutral" && ` ${t(`overview.change.${verdict}`)}`}
        </span>
      )}
      {texts && <small>{t("overview.change.before", { value: texts.before })}</small>}
    </span>
  );
}
