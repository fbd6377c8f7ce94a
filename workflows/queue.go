package workflows

// QueueOf returns the task queue of an installation. Only the workers on its database poll it.
func QueueOf(installation string) string { return TaskQueue + "-" + installation }
