//go:build unix

package secret

import "syscall"

// childNice is how far children stand back behind the server.
const childNice = 10

// apart gives a child a process group of its own: what the terminal sends to
// the server (Ctrl-C) must not end a hash that the server still waits for.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// yieldToParent lowers the priority of all threads of a child: of its process group, when it has
// one, because Linux takes a process id as that of one thread. Without the permission it stays as it is.
func yieldToParent() {
	if syscall.Getpgrp() == syscall.Getpid() {
		_ = syscall.Setpriority(syscall.PRIO_PGRP, 0, childNice)
	}
}
