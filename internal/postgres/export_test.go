package postgres

import "github.com/backstophq/backstop"

// ClaimOverdue is the query of DB.ClaimOverdue.
const ClaimOverdue = claimOverdue

// CountRecipients is the query of DB.CountRecipients.
const CountRecipients = countRecipients

// Composed returns the queries that are made of the columns of a row.
func Composed() map[string]string {
	return map[string]string{
		"insertSend": insertSend, "getSendByKey": getSendByKey, "getSend": getSend,
		"insertAccount": insertAccount, "getAccount": getAccount, "listAccounts": listAccounts, "replaceAccount": replaceAccount,
		"insertInbound": insertInbound, "insertSendCallbacks": insertSendCallbacks,
		"nextCallback": nextCallback, "getCallback": getCallback, "listTries": listTries, "lockEndpoint": lockEndpoint,
		"updateEndpoint": updateEndpoint, "listEndpoints": listEndpoints,
		"listTemplates": listTemplates, "getTemplates": getTemplates, "lockTemplates": lockTemplates,
		"insertTemplates": insertTemplates, "lockTemplate": lockTemplate, "updateTemplate": updateTemplate,
		"listHealth": listHealth, "getHealth": getHealth, "lockHealth": lockHealth, "insertHealth": insertHealth,
		"updateHealth": updateHealth, "leaseProbe": leaseProbe,
		"searchByKey": searchByKey, "searchByMessage": searchByMessage, "searchByID": searchByID,
	}
}

// CallbacksQuery returns the query of DB.ListCallbacks and its values.
func CallbacksQuery(filter backstop.CallbackFilter, limit int) (query string, values []any) {
	w, _ := callbacksThat(filter, allIDs())
	query = listCallbacks(&w, limit)
	return query, w.values
}

// OptedOutQuery is the query of DB.HasOptedOut.
const OptedOutQuery = hasOptedOut

// ListQuery returns the query of DB.ListSends and its values.
func ListQuery(filter backstop.SendFilter, limit int) (query string, values []any) {
	w, _ := sendsThat(filter, rangeOf(filter))
	query = listSends(&w, backstop.Page{Limit: limit - 1})
	return query, w.values
}
