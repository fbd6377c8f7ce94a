import { useQuery } from "@tanstack/react-query";
import { Button, DatePicker, Input, Select, type TableColumnsType, Tooltip } from "antd";
import dayjs from "dayjs";
import { useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { SendSummary } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { sendsQuery } from "../api/queries";
import { bareNumber, checkRecipient } from "../rules/checks";
import { ButtonLink } from "../ui/ButtonLink";
import { EmptyState } from "../ui/EmptyState";
import { PlusOutlined, WarningOutlined } from "../ui/icons";
import { ListTable } from "../ui/ListTable";
import { Name } from "../ui/Name";
import { PageHeader } from "../ui/PageHeader";
import { Pager, useCursor } from "../ui/Pager";
import { isRefusal } from "../ui/ProblemView";
import { TimeText } from "../ui/TimeText";
import { OutcomeTag, StatusTag } from "../ui/ToneTag";
import { useFilters } from "../ui/useFilters";
import { filterNames, queryOf } from "./filter";
import { PolicySelect } from "./PolicySelect";

const refresh = 5_000; // ms, of the first page

export default function SendsPage() {
  const { t } = useTranslation();
  const filter = useFilter();
  const pages = useCursor();
  const sends = useQuery({
    ...sendsQuery({ ...filter.query, cursor: pages.cursor }),
    refetchInterval: pages.page === 1 ? refresh : false,
  });
  const columns = useColumns();
  const add = (
    <ButtonLink to="/sends/new" type="primary" icon={<PlusOutlined />}>
      {t("sends.new")}
    </ButtonLink>
  );
  return (
    <>
      <PageHeader title={t("sends.title")} about={t("sends.aboutPage")} actions={add} />
      <Filters filter={filter} />
      {isRefusal(sends.error) && <Button onClick={filter.clear}>{t("list.clear")}</Button>}
      <ListTable
        list={sends}
        columns={columns}
        empty={
          filter.isSet ? (
            <EmptyState
              title={t("list.nothingFound")}
              action={<Button onClick={filter.clear}>{t("list.clear")}</Button>}
            />
          ) : (
            <EmptyState title={t("sends.none")} about={t("sends.first")} action={add} />
          )
        }
      />
      <Pager pages={pages} nextCursor={sends.data?.next_cursor} loading={sends.isFetching} />
    </>
  );
}

function useFilter() {
  const { values, set } = useFilters(...filterNames);
  return {
    values,
    set,
    isSet: filterNames.some((name) => values[name] !== ""),
    clear: () => set(Object.fromEntries(filterNames.map((name) => [name, ""]))),
    query: queryOf(values),
  };
}

function Filters({ filter: { values, set } }: { filter: ReturnType<typeof useFilter> }) {
  const { t } = useTranslation();
  return (
    <div className="toolbar">
      <Recipient value={values.to} onChange={(to) => set({ to })} />
      <Select
        className="filter"
        allowClear
        aria-label={t("sends.outcome")}
        placeholder={t("sends.outcome")}
        value={values.outcome || null}
        onChange={(value) => set({ outcome: value ?? "" })}
        options={constraints.Outcome.enum.map((value) => ({ value, label: t(`outcome.${value}`) }))}
      />
      <PolicySelect
        value={values.policy || undefined}
        onChange={(value) => set({ policy: value ?? "" })}
        label={t("sends.policy")}
      />
      <DatePicker.RangePicker
        showTime={{ format: "HH:mm" }}
        format="YYYY-MM-DD HH:mm"
        allowEmpty={[true, true]}
        placeholder={[t("sends.fromTime"), t("sends.untilTime")]}
        aria-label={t("sends.range")}
        value={[values.from ? dayjs(values.from) : null, values.until ? dayjs(values.until) : null]}
        onChange={(range) => set({ from: range?.[0]?.toISOString() ?? "", until: range?.[1]?.toISOString() ?? "" })}
      />
    </div>
  );
}

/** Recipient filters by a whole number, because the API finds sends only by their exact number. */
function Recipient({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  const [isTried, setIsTried] = useState(value !== ""); // whether the text, or the beginning of it, was searched for
  useEffect(() => setText(value), [value]);
  const number = bareNumber(text);
  const isWrong = number !== "" && checkRecipient(number, t) !== undefined;
  const refusal = useId();
  const change = (next: string) => {
    setText(next);
    if (next === "") {
      setIsTried(false);
      onChange("");
    }
  };
  const submit = () => {
    setIsTried(true);
    if (!isWrong) {
      onChange(number);
    }
  };
  return (
    <div className="recipient">
      <Input.Search
        type="tel"
        allowClear
        aria-label={t("sends.to")}
        aria-describedby={refusal}
        aria-invalid={isTried && isWrong}
        placeholder={t("sends.toExample")}
        value={text}
        status={isTried && isWrong ? "error" : ""}
        onChange={(event) => change(event.target.value)}
        onSearch={submit}
        onBlur={() => text !== "" && setIsTried(true)}
      />
      <div id={refusal} role="status" className="refusal">
        {isTried && isWrong && t("sends.toRefused")}
      </div>
    </div>
  );
}

function useColumns(): TableColumnsType<SendSummary> {
  const { t } = useTranslation();
  return [
    {
      title: t("sends.to"),
      dataIndex: "to",
      rowScope: "row",
      render: (_, send) => (
        <Link className="nowrap" to={`/sends/${send.id}`}>
          {send.to}
        </Link>
      ),
    },
    {
      title: t("sends.accepted"),
      dataIndex: "accepted_at",
      render: (_, send) => <TimeText at={send.accepted_at} />,
    },
    { title: t("sends.policy"), dataIndex: "policy_name", render: (_, send) => <Name>{send.policy_name}</Name> },
    { title: t("channel.whatsapp"), key: "whatsapp", render: (_, send) => <StatusTag status={send.whatsapp.status} /> },
    {
      title: t("channel.sms"),
      key: "sms",
      render: (_, send) => (send.sms ? <StatusTag status={send.sms.status} /> : "–"),
    },
    {
      title: t("sends.firedRule"),
      key: "fired",
      render: (_, send) =>
        send.fired && (
          <Tooltip title={send.fired.reason}>
            <span>
              <Name>{send.fired.rule}</Name>
            </span>
          </Tooltip>
        ),
    },
    {
      title: t("sends.outcome"),
      key: "outcome",
      render: (_, send) => (
        <span className="nowrap">
          <OutcomeTag outcome={send.outcome} />{" "}
          {send.duplicate_delivery && (
            <Tooltip title={t("sends.duplicate")}>
              <WarningOutlined role="img" aria-label={t("sends.duplicate")} />
            </Tooltip>
          )}
        </span>
      ),
    },
  ];
}
