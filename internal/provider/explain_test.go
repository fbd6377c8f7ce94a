package provider_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An explanation is shown at each time of a send, also after its end. So its action says what a person can do, and makes no promise
// of what the send does next: the send itself says that.
func TestAnActionPromisesNothingOfTheSend(t *testing.T) {
	t.Parallel()
	promises := []string{"goes out", "Backstop repeats", "next rule", "发出短信", "短信会发出", "重新调用", "重试", "下一条规则"}
	tables, err := filepath.Glob("*/codes.json") // of every driver
	if err != nil || len(tables) < 2 {
		t.Fatal(tables, err)
	}
	for _, table := range tables {
		for _, entry := range readCodes(t, table) {
			for language, explained := range entry.Explained {
				for _, promise := range promises {
					if strings.Contains(explained.Action, promise) {
						t.Errorf("%s %v, %s: %q promises %q", table, entry.Codes, language, explained.Action, promise)
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

func readCodes(t *testing.T, path string) []codesEntry {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var entries []codesEntry
	if err := json.Unmarshal(content, &entries); err != nil {
		t.Fatal(err)
	}
	return entries
}
