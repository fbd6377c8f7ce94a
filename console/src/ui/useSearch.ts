// The search of a Select whose options come from the API.
import type { UseQueryResult } from "@tanstack/react-query";
import { type KeyboardEvent, useState } from "react";
import { useTranslation } from "react-i18next";

/**
 * useSearch keeps the text of a search, and returns its items and the props of its Select. While a new text loads, the items are
 * empty: Enter selects the first option, which must not belong to an older text. isOption filters the items. The owner is what the
 * list belongs to, such as an account.
 */
export function useSearch<Item>(
  useList: (search: string, owner: string) => UseQueryResult<{ items: Item[] }>,
  isOption: (item: Item) => boolean = () => true,
  owner = "",
) {
  const { t } = useTranslation();
  const [search, setSearch] = useState("");
  const list = useList(search, owner);
  const items = list.isPlaceholderData ? [] : (list.data?.items ?? []).filter(isOption);
  const empty = list.isFetching ? t("list.searching") : (list.error?.message ?? t("list.nothingFound"));
  return {
    search,
    setSearch,
    items,
    empty, // the text in the place of no options
    props: {
      loading: list.isFetching,
      showSearch: { filterOption: false, onSearch: setSearch },
      onInputKeyDown: (event: KeyboardEvent) => {
        if (event.key === "Enter" && search !== "" && items.length === 0) {
          event.preventDefault();
          event.stopPropagation(); // else the list closes, and the earlier value stays without a word
        }
      },
    },
  };
}
