import { useTranslation } from "react-i18next";
import { PageHeader } from "../ui/PageHeader";
import { FirstSteps } from "./FirstSteps";

export default function StartPage() {
  const { t } = useTranslation();
  return (
    <>
      <PageHeader title={t("start.title")} about={t("start.about")} />
      <FirstSteps />
    </>
  );
}
