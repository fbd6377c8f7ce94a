package api

import (
	"slices"
	"strconv"
	"strings"

	"github.com/backstophq/backstop"
)

// etagOf returns the entity tag of a version.
func etagOf(version int) string { return `"` + strconv.Itoa(version) + `"` }

// ifMatch returns the version that an If-Match header requires. If the header lists several, it returns the current version,
// which it gets from current, or an Error of code Stale if the current version is not in the list.
func ifMatch(header string, current func() (int, error)) (int, error) {
	if strings.TrimSpace(header) == "*" {
		return backstop.AnyVersion, nil
	}
	versions, err := parseIfMatch(header)
	if err != nil {
		return 0, err
	}
	switch len(versions) {
	case 0:
		return 0, errStale()
	case 1:
		return versions[0], nil
	}
	now, err := current()
	if err != nil {
		return 0, err
	}
	if !slices.Contains(versions, now) {
		return 0, errStale()
	}
	return now, nil
}

func errStale() error {
	return &backstop.Error{Code: backstop.Stale, Message: "it has changed since you read it: read it again for its new ETag"}
}

// parseIfMatch reads a list of entity tags (RFC 9110, 8.8.3 and 13.1.1) and returns their versions. It skips a tag that is not a
// version. It accepts weak tags, although If-Match compares strongly: a proxy that compresses answers makes our tags weak, and
// our tags identify a version and not its bytes.
func parseIfMatch(header string) ([]int, error) {
	var versions []int
	for rest := strings.TrimSpace(header); rest != ""; {
		tag := strings.TrimPrefix(rest, "W/")
		if !strings.HasPrefix(tag, `"`) {
			return nil, badField("If-Match", backstop.FieldETag, `must be an ETag in its quotes, like "3", or *`)
		}
		value, after, closed := strings.Cut(tag[1:], `"`)
		after = strings.TrimSpace(after)
		if !closed || (after != "" && !strings.HasPrefix(after, ",")) {
			return nil, badField("If-Match", backstop.FieldETag, `must be an ETag in its quotes, like "3", or *`)
		}
		if n, err := strconv.Atoi(value); err == nil && n > 0 {
			versions = append(versions, n)
		}
		rest = strings.TrimLeft(after, ", \t")
	}
	return versions, nil
}
