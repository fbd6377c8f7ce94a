package vonage

import (
	_ "embed"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// explanations says what the codes of codeMeaning mean, for people. A new code needs its entry.
//
//go:embed codes.json
var explanations []byte

// ErrorCodes returns all error codes that the driver knows.
func ErrorCodes() ([]backstop.ErrorCode, error) {
	return provider.Explain(name, explanations, codeMeaning)
}

// codeSentBefore says that the message was sent already. It is no refusal, and is in no table.
const codeSentBefore = "1320"

// codeMeaning returns the meaning of a code, or zero if the code is not in the table. A number comes with an answer or with a
// status, a word with an answer only.
//
// Sources: Vonage's pages "API errors" of the Messages API (2026) and of all APIs. The table has no codes of other channels
// (1350, 1370). Code 1360 is not Expired: "TTL was activated, or message expired before delivered", so a carrier may have had the
// message.
func codeMeaning(code string) provider.Meaning {
	switch code {
	case "1000", "1241":
		return provider.Throttled
	case "1030", "1100", "1230", "1331":
		return provider.Unavailable
	case "1050", "1280", "1170", "1430", "1180", "1220", "1190", "1200", "1250", "1251", "1260", "1270", "1290", "1300",
		"1310", "1330", "1340", "1360", "1461", "1483":
		return provider.Recipient
	case "1240":
		return provider.OptedOut
	case "1010", "1020", "1021", "1150", "1410", "1440", "1450", "1451", "invalid-params", "1022", "1040", "1090",
		"1130", "1210", "1282", "1380", "1381", "1382":
		return provider.Template
	case "unauthorized", "invalid-api-key", "invalid-signature", "jwt-expired", "jwt-revoked", "forbidden",
		"unprovisioned", "1140", "1400", "account-suspended", "1060", "low-balance", "1070", "1080", "1120", "1420",
		"1481", "1160", "1460", "1470", "1472", "1473", "1480", "1482", "1484":
		return provider.Account
	default:
		return 0
	}
}
