// What a send has for the caller's own systems, as facts of its page.
import type { TFunction } from "i18next";
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Send } from "../api/client";
import { sendsPath } from "./filter";

interface Fact {
  label: string;
  children: ReactNode;
}

/** callerFacts returns the correlation id, which leads to all sends that have it, and the metadata. */
export function callerFacts({ correlation_id, correlation_unique, metadata }: Send, t: TFunction): Fact[] {
  const pairs = Object.entries(metadata ?? {}).sort(([a], [b]) => a.localeCompare(b));
  return [
    ...(correlation_id
      ? [
          {
            label: t("sends.correlation"),
            children: (
              <span>
                <Link to={sendsPath({ correlation_id })}>{correlation_id}</Link>
                {correlation_unique && ` · ${t("sends.correlationUnique")}`}
              </span>
            ),
          },
        ]
      : []),
    ...(pairs.length > 0
      ? [
          {
            label: t("sends.metadata"),
            children: (
              <dl className="pairs">
                {pairs.map(([key, text]) => (
                  <div key={key}>
                    <dt>{key}</dt>
                    <dd>{text}</dd>
                  </div>
                ))}
              </dl>
            ),
          },
        ]
      : []),
  ];
}
