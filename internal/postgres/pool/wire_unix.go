//go:build unix

package pool

import "syscall"

// isStale reports whether the server has closed an idle connection or sent data on it: the data is mostly the reason why the
// server closes it. The check consumes no data and does not block.
func (w *wire) isStale() bool {
	socket, ok := w.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	var n int
	var failure error
	err = raw.Read(func(fd uintptr) bool {
		n, _, failure = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true
	})
	nothingYet := n <= 0 && (failure == syscall.EAGAIN || failure == syscall.EINTR)
	return err != nil || !nothingYet
}
