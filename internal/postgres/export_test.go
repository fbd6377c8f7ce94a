package postgres

import "strings"

// ClaimOverdue is the query of DB.ClaimOverdue.
const ClaimOverdue = claimOverdue

// Composed returns the queries that are made of the columns of a row.
func Composed() map[string]string {
	composed := map[string]string{
		"insertSend": insertSend, "getSendByKey": getSendByKey, "getSend": getSend, "listSends": listSends,
	}
	for sort := range orders() {
		suffix := strings.ReplaceAll(string(sort), "-", "minus_") // empty for the order without a name
		composed["listRules"+suffix] = listRules[sort]
		composed["listPolicies"+suffix] = listPolicies[sort]
	}
	return composed
}
