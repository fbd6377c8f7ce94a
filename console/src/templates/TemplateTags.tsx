import { useTranslation } from "react-i18next";
import { none } from "../ui/listColumns";
import { ToneTag } from "../ui/ToneTag";
import type { Template } from "./parameters";
import { categoryText, hasNewCategory, qualityText, qualityTone, statusText, statusTone, whyNot } from "./template";

export function TemplateStatus({ template }: { template: Template }) {
  const { t } = useTranslation();
  return (
    <span title={whyNot(template, t)}>
      <ToneTag tone={statusTone(template.status)}>{statusText(template.status, t)}</ToneTag>
      {template.reason && <div className="hint break">{template.reason.replaceAll("_", " ")}</div>}
    </span>
  );
}

export function QualityTag({ quality }: { quality: string | undefined }) {
  const { t } = useTranslation();
  return quality ? <ToneTag tone={qualityTone(quality)}>{qualityText(quality, t)}</ToneTag> : none;
}

/** Category says if the provider has changed the category. */
export function Category({ template }: { template: Template }) {
  const { t } = useTranslation();
  const { category, previous_category: previous } = template;
  return (
    <>
      {categoryText(category, t)}
      {previous && hasNewCategory(template) && (
        <div className="attention" title={t("templates.changedMeans")}>
          {t("templates.changed", { category: categoryText(previous, t) })}
        </div>
      )}
    </>
  );
}
