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
func Explain(driver string, table []byte, meaning func(code int) Meaning) ([]backstop.ErrorCode, error) {
	var entries []explained
	if err := json.Unmarshal(table, &entries); err != nil {
		return nil, fmt.Errorf("read the error codes of %s: %w", driver, err)
	}
	var list []backstop.ErrorCode
	for _, entry := range entries {
		for _, codes := range entry.Codes {
			first, last, err := parseCodes(codes)
			if err != nil {
				return nil, fmt.Errorf("read the error codes of %s: %w", driver, err)
			}
			for code := first; code <= last; code++ {
				list = append(list, backstop.ErrorCode{
					Provider: driver, Code: strconv.Itoa(code), Class: meaning(code).class(),
					Explained: entry.Explained,
				})
			}
		}
	}
	return list, nil
}

// parseCodes reads "131026", or a range like "200-299".
func parseCodes(codes string) (first, last int, err error) {
	from, to, isRange := strings.Cut(codes, "-")
	if !isRange {
		to = from
	}
	first, err = strconv.Atoi(from)
	if err == nil {
		last, err = strconv.Atoi(to)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("codes %q: %w", codes, err)
	}
	return first, last, nil
}
