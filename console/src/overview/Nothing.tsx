import { useQuery } from "@tanstack/react-query";
import { Card } from "antd";
import { useTranslation } from "react-i18next";
import { sendsQuery } from "../api/queries";
import { May } from "../session/may";
import { FirstSteps } from "../start/FirstSteps";
import { ButtonLink } from "../ui/ButtonLink";
import { EmptyState } from "../ui/EmptyState";

/** Nothing stands in the place of numbers: with the first steps if the installation has no sends at all. */
export default function Nothing() {
  const { t } = useTranslation();
  const sends = useQuery(sendsQuery({ limit: 1 }));
  if (sends.data?.items.length === 0) {
    return (
      <>
        <p className="start-about">{t("start.about")}</p>
        <FirstSteps />
      </>
    );
  }
  return (
    <Card>
      <EmptyState
        title={t("overview.nothing")}
        about={t("overview.first")}
        action={
          <May scope="sends:write">
            <ButtonLink to="/sends/new">{t("sends.new")}</ButtonLink>
          </May>
        }
      />
    </Card>
  );
}
