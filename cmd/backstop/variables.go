package main

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/backstophq/backstop/internal/provider/registry"
)

// knownVariables returns the names of all variables of the program, by the tags of the configurations of its commands.
func knownVariables() map[string]bool {
	known := map[string]bool{}
	for _, c := range []any{config{}, sandboxConfig{}, migrateConfig{}, keysConfig{}, listenConfig{}, callerConfig{}} {
		for group := range reflect.TypeOf(c).Fields() {
			if group.Type.Kind() != reflect.Struct {
				continue
			}
			for field := range group.Type.Fields() {
				name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
				known[envPrefix+group.Tag.Get("envPrefix")+name] = true
			}
		}
	}
	for _, d := range registry.Drivers() {
		for _, v := range variablesOf(d) {
			known[v.name] = true
		}
	}
	return known
}

// formerNames returns the variables that got a new name, each with that name. The old name is still read.
func formerNames() map[string]string {
	return map[string]string{"BACKSTOP_LINGER": "BACKSTOP_AWAIT_RECEIPTS"}
}

// currentNames returns the environment with the present names of its variables. It is a problem if both names are set.
func currentNames(environment map[string]string) (current map[string]string, problems []string) {
	current = maps.Clone(environment)
	for former, name := range formerNames() {
		value, isSet := environment[former]
		if !isSet {
			continue
		}
		if _, both := environment[name]; both {
			problems = append(problems, fmt.Sprintf("%s: is the former name of %s, which is set too: remove it", former, name))
			continue
		}
		current[name] = value
	}
	return current, problems
}

// otherVariables matches variables with our prefix that are no configuration: devstack and tests set some, and Kubernetes sets
// some in each container for a Service whose name begins with backstop.
var otherVariables = regexp.MustCompile(
	`^BACKSTOP_(DEVSTACK|TEST_.*|(.+_)?SERVICE_(HOST|PORT|PORT_.+)|(.+_)?PORT_\d+_(TCP|UDP|SCTP)(_.+)?)$`)

// isServiceAddress reports whether Kubernetes has set the variable, as tcp://10.0.0.1:8080. A person would write a port.
func isServiceAddress(name, value string) bool {
	return strings.HasSuffix(name, "_PORT") && strings.Contains(value, "://")
}

// misspeltVariables returns a problem for each variable of the environment that has our prefix and that no command reads, with
// the nearest known name. It never repeats a value, which may be a secret.
func misspeltVariables(environment map[string]string) []string {
	known := knownVariables()
	var problems []string
	for name, value := range environment {
		upper := strings.ToUpper(name)
		isOther := otherVariables.MatchString(name) || isServiceAddress(name, value)
		if !strings.HasPrefix(upper, envPrefix) || known[name] || formerNames()[name] != "" || isOther {
			continue
		}
		names := slices.Sorted(maps.Keys(known))
		nearest := slices.MinFunc(names, func(a, b string) int { return editDistance(upper, a) - editDistance(upper, b) })
		problems = append(problems, fmt.Sprintf("%s: is not a variable of Backstop; did you mean %s?", name, nearest))
	}
	return problems
}

// editDistance returns the Levenshtein distance of two texts, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
