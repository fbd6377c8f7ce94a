package postgres

import "github.com/backstophq/backstop"

// ClaimOverdue is the query of DB.ClaimOverdue.
const ClaimOverdue = claimOverdue

// ClaimSends and ClaimScheduled are the queries of the methods with these names.
const (
	ClaimSends     = claimSends
	ClaimScheduled = claimScheduled
)

// CountRecipients is the query of DB.CountRecipients.
const CountRecipients = countRecipients

// Composed returns the queries that are made of the columns of a row.
func Composed() map[string]string {
	return map[string]string{
		"insertSend": insertSend, "insertScheduled": insertScheduled, "getSendByKey": getSendByKey, "getSend": getSend,
		"insertAccount": insertAccount, "getAccount": getAccount, "listAccounts": listAccounts, "replaceAccount": replaceAccount,
		"insertInbound": insertInbound, "insertSkipped": insertSkipped,
		"addOptOuts": addOptOuts, "getOptOut": getOptOut, "removeOptOuts": removeOptOuts,
		"listTemplates": listTemplates, "getTemplates": getTemplates, "lockTemplates": lockTemplates,
		"insertTemplates": insertTemplates, "lockTemplate": lockTemplate, "updateTemplate": updateTemplate,
		"listHealth": listHealth, "getHealth": getHealth, "lockHealth": lockHealth, "insertHealth": insertHealth,
		"updateHealth": updateHealth, "leaseProbe": leaseProbe,
		"searchByKey": searchByKey, "searchByMessage": searchByMessage, "searchByID": searchByID,
	}
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
