// The queries of the pages. Each has a key, by which a change invalidates it.
import { infiniteQueryOptions, keepPreviousData, QueryClient, queryOptions } from "@tanstack/react-query";
import { boundsOf, type ChosenRange, comparisonStepOf, isMoving, previousOf, stepOf } from "../overview/range";
import { rangeBounds } from "../sends/range";
import { partsAway } from "../ui/health";
import { type Account, answered, api, ProblemError, type Schemas, serverNow } from "./client";

export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        networkMode: "always", // without a network a request fails, so the page can say so
        retry: (_, error) => isOutage(error), // until the outage ends; useOutage shows it
        retryDelay: (failures) => Math.min(1_000 * 2 ** failures, 30_000),
      },
      mutations: { networkMode: "always" },
    },
  });
}

function isOutage(error: Error): error is ProblemError {
  return error instanceof ProblemError && error.isOutage;
}

const sessionKey = "session";

export const sessionQuery = queryOptions({
  queryKey: [sessionKey],
  queryFn: ({ signal }) => answered(api.GET("/console/session", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
  retry: (failures, error) => failures < 2 && isOutage(error) && !error.hasTimedOut, // then the page asks for a retry
});

/** signInWaysQuery asks how somebody may sign in. */
export const signInWaysQuery = queryOptions({
  queryKey: [sessionKey, "ways"],
  queryFn: ({ signal }) => answered(api.GET("/console/session/ways", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

/** heartbeatQuery checks every 15 s that the server answers, for a page that makes no other requests. */
export const heartbeatQuery = queryOptions({
  queryKey: ["heartbeat"],
  queryFn: ({ signal }) => answered(api.GET("/console/session", { signal })),
  refetchInterval: 15_000,
});

/** healthQuery asks which parts of Backstop work. The server answers 503 with the same body if the database is away. */
export const healthQuery = queryOptions({
  queryKey: ["health"],
  queryFn: async ({ signal }) => {
    const { data, error } = await api.GET("/readyz", { signal });
    return ((data ?? error) as Schemas["Health"]).checks ?? {};
  },
  refetchInterval: ({ state }) => (partsAway(state.data).length > 0 ? 5_000 : 30_000),
  retry: false, // the page says itself that it is not connected
});

type ListQuery<Operation extends "ListRules" | "ListPolicies" | "ListMessages"> = NonNullable<
  import("./schema").operations[Operation]["parameters"]["query"]
>;

export const rulesQuery = (query: ListQuery<"ListRules">) =>
  queryOptions({
    queryKey: ["rules", query],
    queryFn: ({ signal }) => answered(api.GET("/v1/rules", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });

export const ruleQuery = (id: string) =>
  queryOptions({
    queryKey: ["rules", id],
    queryFn: ({ signal }) => answered(api.GET("/v1/rules/{id}", { params: { path: { id } }, signal })),
  });

export const routesQuery = queryOptions({
  queryKey: ["routes"],
  queryFn: ({ signal }) => answered(api.GET("/v1/routes", { signal })),
  staleTime: 60_000,
});

export const policiesQuery = (query: ListQuery<"ListPolicies">) =>
  queryOptions({
    queryKey: ["policies", query],
    queryFn: ({ signal }) => answered(api.GET("/v1/policies", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });

export const policyQuery = (id: string) =>
  queryOptions({
    queryKey: ["policies", id],
    queryFn: ({ signal }) => answered(api.GET("/v1/policies/{id}", { params: { path: { id } }, signal })),
  });

export const messagesQuery = (query: ListQuery<"ListMessages">) =>
  queryOptions({
    queryKey: ["messages", query],
    queryFn: ({ signal }) => answered(api.GET("/v1/messages", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });

export const messageQuery = (id: string) =>
  queryOptions({
    queryKey: ["messages", id],
    queryFn: ({ signal }) => answered(api.GET("/v1/messages/{id}", { params: { path: { id } }, signal })),
  });

/** messageVersionsQuery lists the versions of a message up to its newest, which is in the key: a change loads them again. */
export const messageVersionsQuery = (id: string, newest: number) =>
  infiniteQueryOptions({
    queryKey: ["messages", id, "versions", newest],
    queryFn: ({ signal, pageParam }) => {
      const query = { limit: 20, ...(pageParam ? { before: pageParam } : {}) };
      return answered(api.GET("/v1/messages/{id}/versions", { params: { path: { id }, query }, signal }));
    },
    initialPageParam: 0,
    getNextPageParam: (page) => page.next_before,
  });

type AccountsQuery = NonNullable<import("./schema").operations["ListAccounts"]["parameters"]["query"]>;

/** An AccountItem has the account's name as the id that lists and dialogs need. */
export type AccountItem = Account & { id: string };

export const itemOf = (account: Account): AccountItem => ({ ...account, id: account.name });

const healthRefresh = 15_000; // ms: the health of an account changes without a change of the account

export const accountsQuery = (query: AccountsQuery) =>
  queryOptions({
    queryKey: ["accounts", query],
    queryFn: async ({ signal }) => {
      const page = await answered(api.GET("/v1/accounts", { params: { query }, signal }));
      return { ...page, items: page.items.map(itemOf) };
    },
    placeholderData: keepPreviousData,
    refetchInterval: healthRefresh,
  });

export const readAccount = async (name: string, signal?: AbortSignal): Promise<AccountItem> =>
  itemOf(await answered(api.GET("/v1/accounts/{name}", { params: { path: { name } }, ...(signal ? { signal } : {}) })));

export const accountQuery = (name: string) =>
  queryOptions({
    queryKey: ["accounts", name],
    queryFn: ({ signal }) => readAccount(name, signal),
    refetchInterval: healthRefresh,
  });

export const providersQuery = queryOptions({
  queryKey: ["providers"],
  queryFn: ({ signal }) => answered(api.GET("/v1/providers", { signal })),
  staleTime: Number.POSITIVE_INFINITY, // it changes with the program alone
});

/** A GuardsItem is the settings of the guards, with the id and the name that a dialog needs. */
export type GuardsItem = Schemas["Guards"] & { id: string; name: string };

export const readGuards = async (signal?: AbortSignal): Promise<GuardsItem> => ({
  id: "guards",
  name: "guards",
  ...(await answered(api.GET("/v1/guards", signal ? { signal } : {}))),
});

export const guardsQuery = queryOptions({
  queryKey: ["guards"],
  queryFn: ({ signal }) => readGuards(signal),
  refetchInterval: 30_000,
});

/** A GuardCountItem has an id, which lists need. */
export type GuardCountItem = Schemas["GuardCount"] & { id: string };

export const guardResultsQuery = queryOptions({
  queryKey: ["guard-results"],
  queryFn: async ({ signal }) => {
    const { items } = await answered(api.GET("/v1/guards/results", { signal }));
    return { items: items.map((one) => ({ ...one, id: `${one.guard} ${one.result} ${one.country}` })) };
  },
  refetchInterval: 10_000,
});

type TemplatesQuery = NonNullable<import("./schema").operations["ListTemplates"]["parameters"]["query"]>;

/** A TemplateItem has an id, which lists need. */
export type TemplateItem = Schemas["MessageTemplate"] & { id: string };

export const templatesQuery = (query: TemplatesQuery) =>
  queryOptions({
    queryKey: ["templates", query],
    queryFn: async ({ signal }) => {
      const page = await answered(api.GET("/v1/templates", { params: { query }, signal }));
      return {
        ...page,
        items: page.items.map((one) => ({ ...one, id: `${one.account} ${one.name} ${one.language}` })),
      };
    },
    placeholderData: keepPreviousData,
  });

type CallbacksQuery = NonNullable<import("./schema").operations["ListCallbacks"]["parameters"]["query"]>;

export type CallbackItem = Schemas["Callback"];

const callbacksRefresh = 10_000; // ms: callbacks are retried without a request of the page

export const callbacksQuery = (query: CallbacksQuery) =>
  queryOptions({
    queryKey: ["callbacks", query],
    queryFn: ({ signal }) => answered(api.GET("/v1/callbacks", { params: { query }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: callbacksRefresh,
  });

/** callbackQuery reads the tries of a callback, again after each new one. */
export const callbackQuery = ({ id, tries, state }: CallbackItem) =>
  queryOptions({
    queryKey: ["callbacks", id, tries, state],
    queryFn: ({ signal }) => answered(api.GET("/v1/callbacks/{id}", { params: { path: { id } }, signal })),
    placeholderData: keepPreviousData,
  });

export const callbackEndpointsQuery = queryOptions({
  queryKey: ["callbacks", "endpoints"],
  queryFn: ({ signal }) => answered(api.GET("/v1/callback-endpoints", { signal })),
  refetchInterval: callbacksRefresh,
});
type OptOutsQuery = NonNullable<import("./schema").operations["ListOptOuts"]["parameters"]["query"]>;

/** optOutsKey begins the keys of all queries about opt-outs. */
export const optOutsKey = "opt-outs";

export const optOutsQuery = (query: OptOutsQuery) =>
  queryOptions({
    queryKey: [optOutsKey, query],
    queryFn: ({ signal }) => answered(api.GET("/v1/opt-outs", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });

export const optOutHistoryQuery = (to: string) =>
  queryOptions({
    queryKey: [optOutsKey, "history", to],
    queryFn: ({ signal }) => answered(api.GET("/v1/opt-outs/history", { params: { query: { to } }, signal })),
  });

type AuditQuery = NonNullable<import("./schema").operations["ListAudit"]["parameters"]["query"]>;

export type AuditEntry = Schemas["AuditEntry"];

export const auditQuery = (query: AuditQuery) =>
  queryOptions({
    queryKey: ["audit", query],
    queryFn: ({ signal }) => answered(api.GET("/v1/audit", { params: { query }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });

/** personQuery counts what is stored about a person. It is not kept: the number is in its key. */
export const personQuery = (to: string) =>
  queryOptions({
    queryKey: ["person", to],
    queryFn: ({ signal }) => answered(api.GET("/v1/person", { params: { query: { to } }, signal })),
    gcTime: 0,
  });

/** erasuresKey begins the keys of all queries about erasures. */
export const erasuresKey = "erasures";

export const erasureQuery = (id: string) =>
  queryOptions({
    queryKey: [erasuresKey, id],
    queryFn: ({ signal }) => answered(api.GET("/v1/erasures/{id}", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data?.state === "done" ? false : 2_000),
  });

type ErasuresQuery = NonNullable<import("./schema").operations["ListErasures"]["parameters"]["query"]>;

export const erasuresQuery = (query: ErasuresQuery) =>
  queryOptions({
    queryKey: [erasuresKey, "list", query],
    queryFn: ({ signal }) => answered(api.GET("/v1/erasures", { params: { query }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });

export type KeyItem = Schemas["Key"];

export const keysQuery = queryOptions({
  queryKey: ["keys"],
  queryFn: ({ signal }) => answered(api.GET("/v1/keys", { signal })),
  refetchInterval: 30_000,
});

export type SessionItem = Schemas["SessionItem"];

/** consoleSessionsQuery lists the sessions of the console. */
export const consoleSessionsQuery = (cursor?: string) =>
  queryOptions({
    queryKey: ["sessions", cursor ?? ""],
    queryFn: ({ signal }) => answered(api.GET("/v1/sessions", { params: { query: cursor ? { cursor } : {} }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });

type SendsQuery = NonNullable<import("./schema").operations["ListSends"]["parameters"]["query"]>;

/** sendsQuery lists sends. The bounds of a preset of time are not in its key, so a refresh keeps the earlier answer. */
export const sendsQuery = (query: SendsQuery, range = "") =>
  queryOptions({
    queryKey: ["sends", query, range],
    queryFn: ({ signal }) => {
      const bounded = { ...query, ...rangeBounds(range, serverNow()) };
      return answered(api.GET("/v1/sends", { params: { query: bounded }, signal }));
    },
    placeholderData: keepPreviousData,
  });

export const sendQuery = (id: string) =>
  queryOptions({
    queryKey: ["sends", id],
    queryFn: ({ signal }) => answered(api.GET("/v1/sends/{id}", { params: { path: { id } }, signal })),
  });

export const searchQuery = (q: string) =>
  queryOptions({
    queryKey: ["search", q],
    queryFn: ({ signal }) => answered(api.GET("/v1/search", { params: { query: { q } }, signal })),
  });

export const errorCodesQuery = queryOptions({
  queryKey: ["error-codes"],
  queryFn: ({ signal }) => answered(api.GET("/v1/error-codes", { signal })),
  staleTime: Number.POSITIVE_INFINITY, // it changes with the program alone
});

/**
 * The queries of statistics. Their keys have no time, so a refresh that fails keeps the earlier answer. Those of a range that moves
 * are repeated. The API caches an answer for 10 s.
 */
const statsRefresh = 10_000; // ms

const polled = (chosen: ChosenRange, every: number) => ({
  placeholderData: keepPreviousData,
  staleTime: every,
  refetchInterval: isMoving(chosen) ? every : (false as const),
});

export const statsQuery = (chosen: ChosenRange, policy: string | undefined) =>
  queryOptions({
    queryKey: ["stats", chosen, policy],
    queryFn: ({ signal }) => {
      const query = { ...boundsOf(chosen, serverNow()), policy_id: policy };
      return answered(api.GET("/v1/stats", { params: { query }, signal }));
    },
    ...polled(chosen, statsRefresh),
  });

/** previousStatsQuery is the query of the statistics of the equal range before. */
export const previousStatsQuery = (chosen: ChosenRange, policy: string | undefined) =>
  queryOptions({
    queryKey: ["stats-previous", chosen, policy],
    queryFn: ({ signal }) => {
      const now = serverNow();
      const query = { ...previousOf(boundsOf(chosen, now, comparisonStepOf(chosen, now))), policy_id: policy };
      return answered(api.GET("/v1/stats", { params: { query }, signal }));
    },
    ...polled(chosen, comparisonStepOf(chosen, serverNow())),
  });

export const changesQuery = (chosen: ChosenRange, policy: string | undefined) =>
  queryOptions({
    queryKey: ["stats-changes", chosen, policy],
    queryFn: ({ signal }) => {
      const now = serverNow();
      const query = { ...boundsOf(chosen, now, comparisonStepOf(chosen, now)), policy_id: policy };
      return answered(api.GET("/v1/stats/changes", { params: { query }, signal }));
    },
    ...polled(chosen, comparisonStepOf(chosen, serverNow())),
  });

/** messageStatsQuery is the query of the statistics of senders and error codes. */
export const messageStatsQuery = (chosen: ChosenRange, policy: string | undefined) =>
  queryOptions({
    queryKey: ["stats-messages", chosen, policy],
    queryFn: ({ signal }) => {
      const query = { ...boundsOf(chosen, serverNow()), policy_id: policy };
      return answered(api.GET("/v1/stats/messages", { params: { query }, signal }));
    },
    ...polled(chosen, stepOf(chosen, serverNow())),
  });
