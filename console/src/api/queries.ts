// The queries of the pages. Each has a key, by which a change invalidates it.
import { keepPreviousData, MutationCache, QueryCache, QueryClient, queryOptions } from "@tanstack/react-query";
import { answered, api, ProblemError } from "./client";

/** newQueryClient returns a client that calls onSignedOut if an answer says that the session has ended. */
export function newQueryClient(onSignedOut: () => void): QueryClient {
  const checkSession = (error: Error) => {
    if (error instanceof ProblemError && error.is("unauthorized")) {
      onSignedOut();
    }
  };
  return new QueryClient({
    queryCache: new QueryCache({
      // The query of the session itself fails in this way if there is none.
      onError: (error, query) => query.queryKey[0] !== sessionKey && checkSession(error),
    }),
    mutationCache: new MutationCache({
      onError: (error, _, __, mutation) => mutation.meta?.signsIn || checkSession(error),
    }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // Only a retry after a server error or without an answer may succeed.
        retry: (failures, error) =>
          failures < 3 && error instanceof ProblemError && (!error.problem || error.problem.status >= 500),
      },
    },
  });
}

const sessionKey = "session";

export const sessionQuery = queryOptions({
  queryKey: [sessionKey],
  queryFn: ({ signal }) => answered(api.GET("/console/session", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

export interface ListQuery {
  search?: string | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
}

export const rulesQuery = (query: ListQuery) =>
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

export const policiesQuery = (query: ListQuery) =>
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

type SendsQuery = NonNullable<import("./schema").operations["ListSends"]["parameters"]["query"]>;

export const sendsQuery = (query: SendsQuery) =>
  queryOptions({
    queryKey: ["sends", query],
    queryFn: ({ signal }) => answered(api.GET("/v1/sends", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });

export const sendQuery = (id: string) =>
  queryOptions({
    queryKey: ["sends", id],
    queryFn: ({ signal }) => answered(api.GET("/v1/sends/{id}", { params: { path: { id } }, signal })),
  });

type StatsQuery = NonNullable<import("./schema").operations["GetStats"]["parameters"]["query"]>;

export const statsQuery = (query: StatsQuery) =>
  queryOptions({
    queryKey: ["stats", query],
    queryFn: ({ signal }) => answered(api.GET("/v1/stats", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });
