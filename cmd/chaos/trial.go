package main

import (
	"fmt"
	"path/filepath"
	"strconv"
)

// trial is one run: of a seed with faults, or of a deployment.
type trial struct {
	seed   uint64
	deploy deployment // empty: all processes are of one release
}

// name is the head of the trial's column.
func (t trial) name() string {
	if t.deploy != "" {
		return string(t.deploy)
	}
	return fmt.Sprintf("seed %d", t.seed)
}

// folder returns the folder of the trial's data and logs.
func (t trial) folder(data string) string {
	if t.deploy != "" {
		return filepath.Join(data, string(t.deploy))
	}
	return filepath.Join(data, strconv.FormatUint(t.seed, 10))
}

// planServes returns the Backstop processes of the trial: two of one release that have API and worker in one, or an API and a
// worker of each release.
func (t trial) planServes(f flags, addresses []string) (all []*serve) {
	if t.deploy == "" {
		for i, address := range addresses {
			all = append(all, &serve{
				name: fmt.Sprintf("serve-%d", i), address: address, program: f.program, command: "serve",
			})
		}
		return all
	}
	for i, program := range []string{f.previousProgram, f.program} {
		release := []string{previousRelease, newRelease}[i]
		all = append(all,
			&serve{name: release + "-worker", program: program, command: "worker", isLater: release == newRelease},
			&serve{
				name: release + "-api", address: addresses[i], program: program, command: "api", isLater: release == newRelease,
			})
	}
	return all
}
