import { useQuery } from "@tanstack/react-query";
import { Button, Card, Skeleton, type TableColumnsType } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "../api/client";
import { changesQuery, errorCodesQuery } from "../api/queries";
import { policyName } from "../policies/policyName";
import { countryName } from "../rules/countries";
import { ArrowDownOutlined, ArrowUpOutlined } from "../ui/icons";
import { Name } from "../ui/Name";
import { ScrollTable } from "../ui/ScrollTable";
import { Answer } from "./Answer";
import { ErrorCode, useExplain } from "./ErrorCode";
import type { Bounds, ChosenRange } from "./range";
import { countryFilter, policyFilter, useSendsLink } from "./scope";
import { useNumbers } from "./useNumbers";
import { useRowLink } from "./useRowLink";
import { mayBeChance, movedGroups, sentenceOf } from "./whatChanged";

type Group = Schemas["ChangeGroup"];
type Changes = Schemas["StatsChanges"];

const few = 3; // rows at first

/** ChangesCard says how the fallback rate differs from that of the range before, and why. */
export default function ChangesCard({ chosen, policy }: { chosen: ChosenRange; policy: string | undefined }) {
  const { t } = useTranslation();
  const changes = useQuery(changesQuery(chosen, policy));
  const codes = useQuery(errorCodesQuery); // without them the rows would grow later, and push the chart down
  return (
    <Card size="small" className="changes" title={<h2>{t("overview.changes.title")}</h2>}>
      <Answer query={changes}>
        {(data) =>
          codes.isLoading ? <Skeleton active title={false} paragraph={{ rows: 4 }} /> : <Explanation changes={data} />
        }
      </Answer>
    </Card>
  );
}

function Explanation({ changes }: { changes: Changes }) {
  const { t, i18n } = useTranslation();
  const numbers = useNumbers();
  const [showsAll, setShowsAll] = useState(false);
  const moved = movedGroups(changes);
  const canCompare = changes.before.sends > 0 && changes.after.sends > 0;
  return (
    <>
      <p className="answer">{sentenceOf(changes, t, i18n.language, numbers)}</p>
      {canCompare && moved.length > 0 && (
        <>
          {mayBeChance(changes) && (
            <p className="hint">
              {t("overview.changes.few", {
                before: numbers.count(changes.before.sends),
                after: numbers.count(changes.after.sends),
              })}
            </p>
          )}
          <Groups changes={changes} groups={showsAll ? moved : moved.slice(0, few)} />
          {moved.length > few && (
            <Button size="small" type="link" onClick={() => setShowsAll(!showsAll)} aria-expanded={showsAll}>
              {showsAll ? t("overview.changes.less") : t("overview.changes.all", { count: moved.length })}
            </Button>
          )}
        </>
      )}
    </>
  );
}

function Groups({ changes, groups }: { changes: Changes; groups: Group[] }) {
  const { t, i18n } = useTranslation();
  const link = useSendsLink();
  const rowLink = useRowLink();
  const { count } = useNumbers();
  const explain = useExplain();
  const linkOf = (group: Group, range: Bounds) =>
    link({
      from: range.from,
      until: range.until,
      ...policyFilter(group.policy_id),
      country: countryFilter(group.country),
      reason: group.reason ?? "",
      provider: group.code && group.provider,
      code: group.code,
      fell_back: "true",
    });
  const columns: TableColumnsType<Group> = [
    {
      title: t("overview.changes.points"),
      key: "points",
      className: "nowrap",
      render: (_, { contribution }) => <Contribution value={contribution} />,
    },
    {
      title: t("sends.policy"),
      key: "policy",
      rowScope: "row",
      render: (_, group) => (
        <Link to={linkOf(group, changes.after)}>
          <Name>{policyName(group, t)}</Name>
        </Link>
      ),
    },
    {
      title: t("sends.country"),
      key: "country",
      render: (_, { country }) => (country ? countryName(country, i18n.language) : t("overview.noCountry")),
    },
    {
      title: t("overview.reason"),
      key: "reason",
      render: (_, { reason }) => (reason ? t(`overview.reasons.${reason}`) : "–"),
    },
    {
      title: t("overview.code"),
      key: "code",
      className: "code-cell",
      render: (_, group) =>
        group.code ? (
          <ErrorCode
            code={group.code}
            to={linkOf(group, changes.after)}
            explanation={explain(group.provider, group.code)}
          />
        ) : (
          "–"
        ),
    },
    {
      title: t("overview.changes.beforeAfter"),
      key: "counts",
      align: "right",
      className: "nowrap numbers",
      render: (_, group) => (
        <>
          <Link to={linkOf(group, changes.before)}>{count(group.before)}</Link> →{" "}
          <Link to={linkOf(group, changes.after)}>{count(group.after)}</Link>
        </>
      ),
    },
  ];
  return (
    <ScrollTable<Group>
      label={t("overview.changes.title")}
      className="numbers"
      rowKey={(group) => [group.policy_id, group.country, group.reason, group.provider, group.code].join(" ")}
      columns={columns}
      dataSource={groups}
      onRow={(group) => rowLink(linkOf(group, changes.after))}
    />
  );
}

function Contribution({ value }: { value: number }) {
  const { t } = useTranslation();
  const { points } = useNumbers();
  const Arrow = value > 0 ? ArrowUpOutlined : ArrowDownOutlined;
  return (
    <span className={`change change-${value > 0 ? "worse" : "better"} numbers`}>
      <span>
        <Arrow aria-label={t(value > 0 ? "overview.change.up" : "overview.change.down")} />{" "}
        {t("overview.change.points", { value: points(value) })}
      </span>
    </span>
  );
}
