import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { errorCodesQuery, providersQuery, routesQuery } from "../api/queries";
import type { Reader } from "./explanation";

/** useReader returns the language of the page and the tables that explain a send. Without them, there is less to say. */
export function useReader(): Reader {
  const { t, i18n } = useTranslation();
  const { data } = useQuery(errorCodesQuery);
  const providers = useQuery(providersQuery).data?.items ?? [];
  const routes = useQuery(routesQuery).data?.items ?? [];
  const hasSeveralAccounts = routes.length > 1;
  return { t, language: i18n.language, codes: data?.items ?? [], providers, hasSeveralAccounts };
}
