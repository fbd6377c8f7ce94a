package postgres

import (
	"fmt"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/ledgers"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// ClaimOverdue is the query of DB.ClaimOverdue.
const ClaimOverdue = claimOverdue

// ClaimSends and ClaimScheduled are the queries of the methods with these names.
const (
	ClaimSends     = claimSends
	ClaimScheduled = claimScheduled
)

// CountRecipients is the query of DB.CountRecipients.
const CountRecipients = countRecipients

// CountTheDay are the statements that count a day. ForCounting holds in their transaction.
var CountTheDay = countTheDay

const ForCounting = forCounting

// CountedNow returns the queries that count the sends of a range when asked, as in ForCounting but for the bound of time.
func CountedNow(f backstop.StatsFilter) map[string][]any {
	messages, _ := messagesThat(f)
	filter := backstop.SendFilter{From: f.From, Until: f.Until}
	changes, _ := sendsThat(filter, rangeOf(filter))
	first, last := pool.MinID(f.From.Add(-idSlack)), pool.MinID(f.Until.Add(idSlack))
	sms, codes, fallbacks := countSMS(messages), countCodes(messages), countChanges(&changes)
	return map[string][]any{
		countSends: {first, last, f.From, f.Until, nil, f.Bucket().Seconds()}, sms: messages.values, codes: messages.values,
		fallbacks: changes.values,
	}
}

// Composed returns the queries that are made of the columns of a row, and those of the counters.
func Composed() map[string]string {
	queries := ofColumns()
	for i := range countTheDay {
		queries[fmt.Sprintf("countTheDay%d", i)] = countTheDay[i]
		queries[fmt.Sprintf("countGone%d", i)] = countGone[i]
	}
	return queries
}

func ofColumns() map[string]string {
	return map[string]string{
		"insertSend": insertSend.String(), "insertScheduled": insertScheduled.String(), "getSendByKey": getSendByKey, "getSend": getSend,
		"insertGuarded": insertGuarded.String(), "insertGuardedLater": insertGuardedLater.String(), "addGuardResults": addGuardResults,
		"insertGuardedCallbacks": queueing(insertGuarded, 8), "insertGuardedLaterCallbacks": queueing(insertGuardedLater, 8),
		"insertKey": insertKey, "listKeys": listKeys, "getKey": getKey, "replaceKey": replaceKey,
		"rotateKey": rotateKey, "createErasure": createErasure, "getErasure": getErasure, "lockErasure": lockErasure,
		"runningErasure": runningErasure, "listErasures": listErasures,
		"insertAccount": insertAccount, "getAccount": getAccount, "listAccounts": listAccounts, "replaceAccount": replaceAccount,
		"insertInbound": insertInbound, "insertSkipped": insertSkipped.String(), "insertSendCallbacks": queueing(insertSend, 2),
		"insertScheduledCallbacks": queueing(insertScheduled, 2), "insertSkippedCallbacks": queueing(insertSkipped, 2),
		"maskNumbers": maskNumbers, "maskInbound": maskInbound, "addOptOuts": addOptOuts, "getOptOut": getOptOut, "removeOptOuts": removeOptOuts,
		"nextCallback": nextCallback, "getCallback": getCallback, "listTries": listTries, "lockEndpoint": lockEndpoint,
		"updateEndpoint": updateEndpoint, "listEndpoints": listEndpoints,
		"listTemplates": listTemplates, "getTemplates": getTemplates, "lockTemplates": lockTemplates,
		"insertTemplates": insertTemplates, "lockTemplate": lockTemplate, "updateTemplate": updateTemplate,
		"listHealth": listHealth, "getHealth": getHealth, "lockHealth": lockHealth, "insertHealth": insertHealth,
		"updateHealth": updateHealth, "leaseProbe": leaseProbe,
		"staleSends": staleSends, "staleInbound": staleInbound, "resealSends": resealSends, "resealInbound": resealInbound,
		"countSendSeals": countSendSeals, "countInboundSeals": countInboundSeals,
		"searchByKey": searchByKey, "searchByMessage": searchByMessage, "searchByID": searchByID,
	}
}

// queueing returns the statement of an insertion that also queues callbacks, and that has more parameters than its columns.
func queueing(i insertion, more int) string {
	statement, _ := i.statement(make([]any, len(insertColumns)+more), ledgers.Queued{Last: 1})
	return statement
}

// CallbacksQuery returns the query of DB.ListCallbacks and its values.
func CallbacksQuery(filter backstop.CallbackFilter, limit int) (query string, values []any) {
	w, _ := callbacksThat(filter, allIDs())
	query = listCallbacks(&w, limit)
	return query, w.values
}

// OptOutQuery returns the query of DB.ListOptOuts and its values.
func OptOutQuery(filter backstop.OptOutFilter, limit int) (query string, values []any) {
	w := optOutsThat(filter)
	query = listOptOuts(&w, limit)
	return query, w.values
}

// ListQuery returns the query of DB.ListSends and its values.
func ListQuery(filter backstop.SendFilter, limit int) (query string, values []any) {
	w, _ := sendsThat(filter, rangeOf(filter))
	query = listSends(&w, backstop.Page{Limit: limit - 1})
	return query, w.values
}

// AuditQuery returns the query of DB.ListAudit and its values. The search of the filter is one name.
func AuditQuery(filter backstop.AuditFilter, limit int) (query string, values []any) {
	w := auditWhere(filter, []string{filter.Search})
	query = listAudit(&w, limit)
	return query, w.values
}
