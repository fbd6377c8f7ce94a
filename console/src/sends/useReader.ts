import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { errorCodesQuery } from "../api/queries";
import type { Reader } from "./explanation";

/** useReader returns the language of the page and the table of error codes. Without the table, failures have less to say. */
export function useReader(): Reader {
  const { t, i18n } = useTranslation();
  const { data } = useQuery(errorCodesQuery);
  return { t, language: i18n.language, codes: data?.items ?? [] };
}
