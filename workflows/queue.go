package workflows

// QueueOf is the task queue of an installation: the workers on one database poll it, and no others.
func QueueOf(installation string) string { return TaskQueue + "-" + installation }
