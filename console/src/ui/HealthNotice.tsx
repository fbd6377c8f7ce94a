// Which part of Backstop is away, and what still works, above each page.
import { useQuery } from "@tanstack/react-query";
import { Alert } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { healthQuery } from "../api/queries";
import { type Part, partsAway } from "./health";

const severity: Record<Part, "error" | "warning"> = {
  postgres: "error",
  schema: "error",
  temporal: "warning",
  providers: "warning",
};

export default function HealthNotice() {
  const { t } = useTranslation();
  const health = useQuery(healthQuery);
  return partsAway(health.data).map((part) => (
    <Alert
      key={part}
      className="health"
      type={severity[part]}
      showIcon
      role="status"
      title={t(`health.${part}`)}
      description={
        <>
          {t(`health.${part}Means`)} {part === "providers" && <Link to="/accounts">{t("accounts.title")}</Link>}
        </>
      }
    />
  ));
}
