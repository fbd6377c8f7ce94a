import { type MouseEvent, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useHref } from "react-router";
import { policyName } from "../policies/policyName";
import { SendTag } from "../sends/SendTag";
import { TimeText } from "../ui/TimeText";
import { duration } from "../ui/time";
import type { Found, Group, Row } from "./results";

interface Props {
  found: Found;
  groups: Group[];
  active: Row | undefined;
  idOf: (row: Row) => string;
  onOpen: (row: Row) => void;
}

/** Results are the options of the search in their groups. */
export function Results({ found, groups, active, idOf, onOpen }: Props) {
  const { t } = useTranslation();
  const titles = {
    sends: t("search.sendsFoundBy", { how: t(`search.foundBy.${found.sends_found_by}`) }),
    rules: t("rules.title"),
    policies: t("policies.title"),
  };
  return groups.map(({ of, rows }) => (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset has no place in a list box
    <div key={of} role="group" aria-label={titles[of]} className="search-group">
      <div className="search-title" aria-hidden>
        {titles[of]}
      </div>
      {rows.map((row) => (
        <Option key={row.key} id={idOf(row)} row={row} isActive={row === active} onOpen={onOpen}>
          <Content row={row} found={found} />
        </Option>
      ))}
    </div>
  ));
}

interface OptionProps {
  id: string;
  row: Row;
  isActive: boolean;
  onOpen: (row: Row) => void;
  children: React.ReactNode;
}

/** Option is a link too, so it can open in a new tab. The field keeps the focus. */
function Option({ id, row, isActive, onOpen, children }: OptionProps) {
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    if (isActive) {
      link.current?.scrollIntoView({ block: "nearest" });
    }
  }, [isActive]);
  const follow = (event: MouseEvent) => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      onOpen(row);
    }
  };
  return (
    <a
      ref={link}
      id={id}
      role="option"
      aria-selected={isActive}
      tabIndex={-1}
      href={useHref(row.to)}
      className={`search-option ${isActive ? "active" : ""} ${row.kind === "allSends" ? "all" : ""}`}
      onClick={follow}
    >
      {children}
    </a>
  );
}

function Content({ row, found }: { row: Row; found: Found }) {
  const { t } = useTranslation();
  switch (row.kind) {
    case "send":
      return (
        <>
          <strong>{row.send.to}</strong>
          <SendTag send={row.send} />
          <span className="search-about">
            <TimeText at={row.send.accepted_at} /> · {policyName(row.send, t)}
          </span>
        </>
      );
    case "allSends":
      return (
        <span>
          {found.to
            ? t("search.allTo", { number: found.to })
            : found.to_ends
              ? t("search.allEnding", { digits: found.to_ends })
              : t("search.allOf", { id: found.correlation_id })}
        </span>
      );
    case "rule": {
      const { name, type, wait_seconds, send_id } = row.rule;
      const wait = wait_seconds ? duration(wait_seconds, t) : t("rules.onFailureOnly");
      return (
        <>
          <strong>{name}</strong>
          <span className="search-about">{[t(`rules.types.${type}`), wait, send_id].join(" · ")}</span>
        </>
      );
    }
    case "policy":
      return (
        <>
          <strong>{row.policy.name}</strong>
          <span className="search-about">{row.policy.rules.map(({ name }) => name).join(" · ")}</span>
        </>
      );
  }
}
