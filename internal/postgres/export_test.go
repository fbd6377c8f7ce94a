package postgres

// ClaimOverdue is the query of DB.ClaimOverdue.
const ClaimOverdue = claimOverdue

// Composed returns the queries that are made of the columns of a row.
func Composed() map[string]string {
	return map[string]string{
		"insertSend": insertSend, "getSendByKey": getSendByKey, "getSend": getSend, "listSends": listSends,
	}
}
