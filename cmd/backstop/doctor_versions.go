package main

import (
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/backstophq/backstop/worker"
)

// checkVersions checks that a task queue has workers of the current version, and of a version that ramps up. It returns false if
// tasks wait because a version has no workers.
func (d *diagnosis) checkVersions(queue string, described *workflowservice.DescribeTaskQueueResponse) bool {
	polling := map[worker.Version]bool{}
	for _, poller := range described.GetPollers() {
		polling[versionOf(poller)] = true
	}
	routing := described.GetVersioningInfo()
	current := readVersion(routing.GetCurrentDeploymentVersion())
	if !polling[current] {
		d.addUnserved(queue, current, polling)
		return false
	}
	percent := routing.GetRampingVersionPercentage()
	if ramping := readVersion(routing.GetRampingDeploymentVersion()); percent > 0 && !polling[ramping] {
		text := fmt.Sprintf("%.0f %% of the tasks of %s wait for %s, and no worker has it", percent, queue, nameOf(ramping))
		d.add("workers", isFault, text, "start workers of this version, or set its ramping percentage to 0")
		return false
	}
	return true
}

// addUnserved adds the fault that the tasks of a queue wait for workers of a version.
func (d *diagnosis) addUnserved(queue string, current worker.Version, polling map[worker.Version]bool) {
	var names []string
	for v := range polling {
		names = append(names, nameOf(v))
	}
	slices.Sort(names)
	there := "there are workers of " + strings.Join(names, ", ")
	if current == (worker.Version{}) {
		d.add("workers", isFault, fmt.Sprintf("no version is current for %s, so its tasks wait; %s", queue, there),
			"make one current: temporal worker deployment set-current-version")
		return
	}
	text := fmt.Sprintf("the tasks of %s wait for %s, which is current, and no worker has it; %s", queue, nameOf(current), there)
	d.add("workers", isFault, text, "start workers of this version, or make another one current")
}

func nameOf(v worker.Version) string {
	if v == (worker.Version{}) {
		return "no version"
	}
	return fmt.Sprintf("version %s of %s", v.Build, v.Deployment)
}

// versionOf returns the version of a worker that polls.
func versionOf(poller *taskqueuepb.PollerInfo) worker.Version {
	o := poller.GetDeploymentOptions()
	if o.GetWorkerVersioningMode() != enums.WORKER_VERSIONING_MODE_VERSIONED {
		return worker.Version{}
	}
	return worker.Version{Deployment: o.GetDeploymentName(), Build: o.GetBuildId()}
}

func readVersion(v *deployment.WorkerDeploymentVersion) worker.Version {
	return worker.Version{Deployment: v.GetDeploymentName(), Build: v.GetBuildId()}
}
