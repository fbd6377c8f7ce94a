package worker

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Version is the version of a worker, for Temporal's Worker Versioning. The zero value is a worker without a version.
type Version struct {
	Deployment string // the name that all versions share
	Build      string
}

// options returns the SDK's options. A workflow moves to the current version with its next task (auto-upgrade), because it may
// wait for 30 days, and every release can replay the histories of the one before (docs/adr/0045).
func (v Version) options() worker.DeploymentOptions {
	if v == (Version{}) {
		return worker.DeploymentOptions{}
	}
	return worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: v.Deployment, BuildID: v.Build},
		DefaultVersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	}
}
