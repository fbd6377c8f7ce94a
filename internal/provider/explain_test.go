package provider_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// An explanation is shown at each time of a send, also after its end. So its action says what a person can do, and makes no promise
// of what the send does next: the send itself says that.
func TestAnActionPromisesNothingOfTheSend(t *testing.T) {
	t.Parallel()
	promises := []string{"goes out", "Backstop repeats", "next rule", "发出短信", "短信会发出", "重新调用", "重试", "下一条规则"}
	for _, driver := range []string{"meta", "twilio", "infobip"} {
		for _, entry := range readCodes(t, driver) {
			for language, explained := range entry.Explained {
				for _, promise := range promises {
					if strings.Contains(explained.Action, promise) {
						t.Errorf("%s %v, %s: %q promises %q", driver, entry.Codes, language, explained.Action, promise)
					}
				}
			}
		}
	}
}

type codesEntry struct {
	Codes     []string               `json:"codes"`
	Explained map[string]explanation `json:"explained"`
}

type explanation struct {
	Action string `json:"action"`
}

func readCodes(t *testing.T, driver string) []codesEntry {
	t.Helper()
	table, err := os.ReadFile(driver + "/codes.json")
	if err != nil {
		t.Fatal(err)
	}
	var entries []codesEntry
	if err := json.Unmarshal(table, &entries); err != nil {
		t.Fatal(err)
	}
	return entries
}
