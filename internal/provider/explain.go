package provider

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/backstophq/backstop"
)

// explained is an entry of a driver's codes.json: codes that mean the same. "200-299" stands for all codes from 200 to 299.
type explained struct {
	Codes     []string                        `json:"codes"`
	Explained map[string]backstop.Explanation `json:"explained"`
}

// Explain reads the explanations in a driver's codes.json. The class of each code comes from the driver's table of meanings.
func Explain(driver string, table []byte, meaning func(code string) Meaning) ([]backstop.ErrorCode, error) {
	var entries []explained
	if err := json.Unmarshal(table, &entries); err != nil {
		return nil, fmt.Errorf("read the error codes of %s: %w", driver, err)
	}
	var list []backstop.ErrorCode
	for _, entry := range entries {
		for _, codes := range entry.Codes {
			for _, code := range expandCodes(codes) {
				list = append(list, backstop.ErrorCode{
					Provider: driver, Code: code, Class: meaning(code).class(), Explained: entry.Explained,
				})
			}
		}
	}
	return list, nil
}

// NumericCodes turns a table of numbers into a table of codes.
func NumericCodes(meaning func(code int) Meaning) func(code string) Meaning {
	return func(code string) Meaning {
		n, err := strconv.Atoi(code)
		if err != nil {
			return 0
		}
		return meaning(n)
	}
}

// expandCodes returns the codes of "131026", of a range like "200-299", or of a word like "THROTTLED".
func expandCodes(codes string) []string {
	from, to, isRange := strings.Cut(codes, "-")
	first, firstErr := strconv.Atoi(from)
	last, lastErr := strconv.Atoi(to)
	if !isRange || firstErr != nil || lastErr != nil {
		return []string{codes}
	}
	var all []string
	for code := first; code <= last; code++ {
		all = append(all, strconv.Itoa(code))
	}
	return all
}
