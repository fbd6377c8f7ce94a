//go:build !unix

package pool

// isStale cannot check the connection on this platform. If the server has closed it, the next statement on it fails.
func (*wire) isStale() bool { return false }
