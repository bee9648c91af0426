package boltstore_test

import (
	"fmt"
	"os/signal"
	"syscall"
)

const canLimit = true

// limitFileSize makes writes of this process beyond the limit fail.
func limitFileSize(bytes uint64) error {
	signal.Ignore(syscall.SIGXFSZ)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: bytes})
}

// smallDisk mounts a file system of that size, which only some may.
func smallDisk(dir string, bytes int) (unmount func(), err error) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		return nil, err
	}
	return func() { _ = syscall.Unmount(dir, 0) }, nil
}
