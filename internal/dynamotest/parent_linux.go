package dynamotest

import "syscall"

// withParent makes the server end with the test's process, also when that is killed
// or runs into its time limit and cleans nothing up.
func withParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
