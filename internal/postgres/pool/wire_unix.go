//go:build unix

package pool

import "syscall"

// isStale reports whether the server has closed an idle connection, or said something: what it says to one that is idle is
// mostly why it will close it. The look takes nothing away and does not wait.
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
