package api

import (
	"slices"
	"strconv"
	"strings"

	"github.com/backstophq/backstop"
)

// etag is the entity tag of a version.
func etag(version int) string { return `"` + strconv.Itoa(version) + `"` }

// ifMatch finds the version that an If-Match header asks for. Of several, it is the one that there is now, which
// current tells. No version that could be meant is an Error of code Stale.
func ifMatch(header string, current func() (int, error)) (int, error) {
	if strings.TrimSpace(header) == "*" {
		return backstop.AnyVersion, nil
	}
	versions, err := parseIfMatch(header)
	if err != nil {
		return 0, err
	}
	stale := &backstop.Error{Code: backstop.Stale, Message: "it has changed since you read it; read it again"}
	switch len(versions) {
	case 0:
		return 0, stale
	case 1:
		return versions[0], nil
	}
	now, err := current()
	if err != nil {
		return 0, err
	}
	if !slices.Contains(versions, now) {
		return 0, stale
	}
	return now, nil
}

// parseIfMatch reads a list of entity tags (RFC 9110, 8.8.3 and 13.1.1). Those that can match no version of ours are
// left out. A weak one counts, though If-Match compares strongly: a proxy that compresses answers makes our tags weak,
// and what they name is a version, not bytes.
func parseIfMatch(header string) ([]int, error) {
	var versions []int
	for rest := strings.TrimSpace(header); rest != ""; {
		tag := strings.TrimPrefix(rest, "W/")
		if !strings.HasPrefix(tag, `"`) {
			return nil, badField("If-Match", `must be an ETag in its quotes, like "3", or *`)
		}
		value, after, closed := strings.Cut(tag[1:], `"`)
		after = strings.TrimSpace(after)
		if !closed || (after != "" && !strings.HasPrefix(after, ",")) {
			return nil, badField("If-Match", `must be an ETag in its quotes, like "3", or *`)
		}
		if n, err := strconv.Atoi(value); err == nil && n > 0 {
			versions = append(versions, n)
		}
		rest = strings.TrimLeft(after, ", \t")
	}
	return versions, nil
}
